// The real half: Amazon's DynamoDB Local, which serves table streams too, with kinesis-mock; or
// dynalite alone.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "aws/location.h"
#include "base/bytes.h"
#include "contract/services.h"
#include "os/run.h"
#include "wire/kinesis.h"
#include "wire/tables.h"

namespace dynamodb_replicator::contract {
namespace {

constexpr const char* kHalfOfAllHashes = "170141183460469231731687303715884105728";  // 2^127

os::Outside& outside() {
  static os::Outside only(os::LogForm::text, async::Level::warning);
  return only;
}

class Real : public Services {
 public:
  Real(aws::Endpoint dynamodb, std::optional<aws::Endpoint> kinesis)
      : dynamodb_(std::move(dynamodb)), kinesis_(std::move(kinesis)) {}

  void create_streaming_table(const std::string& table) override {
    must(aws::Service::dynamodb, "CreateTable",
         R"({"TableName":")" + table +
             R"(","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],)"
             R"("AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],)"
             R"("BillingMode":"PAY_PER_REQUEST",)"
             R"("StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}})");
    await("ACTIVE", [&] {
      const auto table_now = wire::decode_describe_table(
          must(aws::Service::dynamodb, "DescribeTable", wire::describe_table_request(table)));
      return table_now.ok() ? table_now->status : "";
    });
  }
  void end_table_shards(const std::string& table) override {
    must(aws::Service::dynamodb, "UpdateTable",
         R"({"TableName":")" + table + R"(","StreamSpecification":{"StreamEnabled":false}})");
  }

  void create_stream(const std::string& stream) override {
    must(aws::Service::kinesis, "CreateStream",
         R"({"StreamName":")" + stream + R"(","ShardCount":1})");
    await_active(stream);
  }
  void put_record(const std::string& stream, const std::string& partition_key,
                  const std::string& data) override {
    const std::string answer =
        must(aws::Service::kinesis, "PutRecords",
             R"({"StreamName":")" + stream + R"(","Records":[{"PartitionKey":")" + partition_key +
                 R"(","Data":")" + base::to_base64(data) + R"("}]})");
    EXPECT_NE(answer.find(R"("FailedRecordCount":0)"), answer.npos) << answer;
  }
  void split(const std::string& stream) override {
    const auto open = open_shards(stream);
    ASSERT_EQ(open.size(), 1U);
    must(aws::Service::kinesis, "SplitShard",
         R"({"StreamName":")" + stream + R"(","ShardToSplit":")" + open[0] +
             R"(","NewStartingHashKey":")" + kHalfOfAllHashes + R"("})");
    await_active(stream);
  }
  void merge(const std::string& stream) override {
    const auto open = open_shards(stream);
    ASSERT_EQ(open.size(), 2U);
    must(aws::Service::kinesis, "MergeShards",
         R"({"StreamName":")" + stream + R"(","ShardToMerge":")" + open[0] +
             R"(","AdjacentShardToMerge":")" + open[1] + R"("})");
    await_active(stream);
  }

  void bring(BadDay) override { ADD_FAILURE() << "no bad day can be brought to a real service"; }
  void heal() override {}

 protected:
  void run(const Job& job) override { outside().run(job(outside().doors())); }
  [[nodiscard]] aws::Endpoint endpoint(aws::Service service) const override {
    if (service != aws::Service::kinesis) return dynamodb_;
    INVARIANT(kinesis_, "cases about Kinesis are not asked of an engine without it");
    return *kinesis_;
  }

 private:
  std::string must(aws::Service service, const std::string& operation, const std::string& body) {
    auto answer = ask(service, operation, body);
    EXPECT_TRUE(answer.ok()) << to_text(answer.error());
    return answer.ok() ? *answer : "{}";
  }
  void await(const std::string& status, const std::function<std::string()>& look) {
    std::string seen;
    for (int i = 0; i < 200; ++i) {
      seen = look();
      if (seen == status) return;
      wait(100ms);
    }
    ADD_FAILURE() << "still " << seen << " and not " << status << " after 20 s";
  }
  void await_active(const std::string& stream) {
    await("ACTIVE", [&] {
      const auto summary = wire::decode_describe_summary(must(
          aws::Service::kinesis, "DescribeStreamSummary", wire::describe_summary_request(stream)));
      return summary.ok() ? summary->status : "";
    });
  }
  std::vector<std::string> open_shards(const std::string& stream) {
    const auto page = wire::decode_list_shards(
        must(aws::Service::kinesis, "ListShards", wire::list_shards_request(stream, "")));
    std::vector<std::string> open;
    EXPECT_TRUE(page.ok() && !page->next);
    if (!page.ok()) return open;
    for (const auto& shard : page->shards) {
      if (!shard.closed) open.push_back(shard.id);
    }
    return open;
  }

  aws::Endpoint dynamodb_;
  std::optional<aws::Endpoint> kinesis_;
};

std::optional<aws::Endpoint> endpoint_in(const char* variable) {
  const auto url = outside().doors().environment.variable(variable);
  const auto parsed = aws::parse_url(url.value_or(""));
  if (!parsed.ok()) {
    std::fprintf(stderr, "%s names no service: tests/integration/emulators.py --run sets it\n",
                 variable);
    return std::nullopt;
  }
  return aws::Endpoint{parsed->tls, parsed->host, parsed->port, Credential::kRegion};
}

}  // namespace

std::unique_ptr<Services> real_services(Engine engine) {
  auto dynamodb = endpoint_in("DYNAMODB_URL");
  if (!dynamodb) return nullptr;
  if (engine == Engine::dynalite) return std::make_unique<Real>(*std::move(dynamodb), std::nullopt);
  auto kinesis = endpoint_in("KINESIS_URL");
  return kinesis ? std::make_unique<Real>(*std::move(dynamodb), std::move(kinesis)) : nullptr;
}

}  // namespace dynamodb_replicator::contract
