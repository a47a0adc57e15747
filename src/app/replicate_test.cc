// A stop while a call is under way that nobody answers, at each call from the first on.
#include "app/replicate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "aws/fake_doors.h"
#include "wire/lease_rows.h"

namespace dynamodb_replicator::app {
namespace {

const std::string kOld = "arn:aws:dynamodb:us-east-1:0:table/p/stream/2026-01-01T00:00:00.000";
const std::string kNow = "arn:aws:dynamodb:us-east-1:0:table/p/stream/2026-02-01T00:00:00.000";

std::string table(const std::string& hash, const std::string& range, bool streams) {
  const auto attribute = [](const std::string& name) {
    return R"({"AttributeName":")" + name + R"(","AttributeType":"S"})";
  };
  const auto key = [](const std::string& name, const std::string& type) {
    return R"({"AttributeName":")" + name + R"(","KeyType":")" + type + R"("})";
  };
  return R"({"Table":{"TableName":"t","TableStatus":"ACTIVE","AttributeDefinitions":[)" +
         attribute(hash) + (range.empty() ? "" : "," + attribute(range)) + R"(],"KeySchema":[)" +
         key(hash, "HASH") + (range.empty() ? "" : "," + key(range, "RANGE")) + "]" +
         (streams ? R"(,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"},)"
                    R"("LatestStreamArn":")" +
                        kNow + "\""
                  : "") +
         "}}";
}

// An older stream has still a shard that nobody has read, and is gone; the present one has none and
// is disabled.
class Services : public async::Http {
 public:
  using Answer = Result<async::HttpResponse, async::HttpError>;
  explicit Services(async::Loop& loop) : never_(loop) {}

  std::size_t hang_at = 0;
  std::vector<std::string> asked;
  std::function<void()> at_hanging;

  async::Task<Answer> send(async::HttpRequest request, Instant) override {
    const auto target = std::find_if(request.headers.begin(), request.headers.end(),
                                     [](const auto& h) { return h.name == "X-Amz-Target"; });
    asked.push_back(target->value.substr(target->value.find('.') + 1) + " " + request.host);
    if (asked.size() - 1 == hang_at) {
      at_hanging();
      co_await never_.wait();
    }
    async::HttpResponse response;
    response.status = 200;
    response.body = answer(asked.back(), request.body);
    if (response.body.find("__type") != std::string::npos) response.status = 400;
    co_return response;
  }

 private:
  static std::string answer(const std::string& what, const std::string& body) {
    const bool leases = body.find("replica-leases") != std::string::npos;
    if (what == "DescribeTable 127.0.0.1") return table("id", "", true);
    if (what == "DescribeTable 127.0.0.2")
      return leases ? table("stream", "row", false) : table("id", "", false);
    if (what == "DescribeStream 127.0.0.1") {
      if (body.find(kOld) != std::string::npos)
        return R"({"__type":"x#ResourceNotFoundException","message":"m"})";
      return R"({"StreamDescription":{"StreamArn":")" + kNow +
             R"(","StreamStatus":"DISABLED","Shards":[]}})";
    }
    if (what == "Scan 127.0.0.2" && leases) {
      core::ShardRow row;
      row.stream = kOld;
      row.shard = "s";
      row.nonce = "n";
      return R"({"Items":[)" + wire::shard_row_to_item(row) + "]}";
    }
    if (what == "Scan 127.0.0.2") return R"({"Items":[{"id":{"S":"a"}}]})";
    if (what == "Query 127.0.0.2") return R"({"Items":[]})";
    return "{}";
  }
  async::Gate never_;
};

struct World {
  aws::FakeWorld world;
  Services services{world.loop};
  async::Doors doors{world.loop,  world.clock,       world.dice, services,
                     world.files, world.environment, world.log};
  Control control{world.loop};
  std::optional<Instant> asked_to_stop;

  World() {
    world.environment.variables = {{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    services.at_hanging = [this] {
      asked_to_stop = world.clock.at;
      control.stop.open();
    };
  }
  // The status; nullopt: it waits although it was asked to stop.
  std::optional<int> replicate_until_stopped() {
    ReplicateOptions options;
    options.primary = "http://127.0.0.1:8000/primary";
    options.replica = "http://127.0.0.2:8000/replica";
    async::Task<int> task = replicate(doors, options, control);
    task.start();
    while (!task.done()) {
      if (world.loop.ready() > 0) {
        world.loop.run();
        continue;
      }
      const auto next = world.loop.next_timer();
      if (asked_to_stop || !next) return std::nullopt;
      world.clock.at = *next;
      world.loop.fire(*next);
    }
    return task.take();
  }
};

TEST(Stop, DoesNotWaitForACallBeforeOrBetweenStreams) {
  constexpr std::size_t kCalls = 40;
  std::vector<std::string> hung;
  for (std::size_t i = 0; i < kCalls; ++i) {
    World run;
    run.services.hang_at = i;
    const std::optional<int> status = run.replicate_until_stopped();
    ASSERT_EQ(run.services.asked.size(), i + 1) << run.world.log.text;
    EXPECT_EQ(status, 0) << "call " << i << " " << run.services.asked.back();
    hung.push_back(run.services.asked.back());
  }
  const std::vector<std::string> first(hung.begin(), hung.begin() + 9);
  EXPECT_EQ(first, (std::vector<std::string>{
                       "DescribeTable 127.0.0.1", "DescribeTable 127.0.0.2", "Scan 127.0.0.2",
                       "DescribeTable 127.0.0.2", "Scan 127.0.0.2", "PutItem 127.0.0.2",
                       "Scan 127.0.0.2", "DescribeStream 127.0.0.1", "Query 127.0.0.2"}));
  EXPECT_EQ(hung.back(), "DescribeTable 127.0.0.1") << "waiting for the next stream";
}

}  // namespace
}  // namespace dynamodb_replicator::app
