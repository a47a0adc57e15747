#include "aws/client.h"

#include <gtest/gtest.h>

#include "aws/fake_doors.h"
#include "aws/moments.h"

namespace dynamodb_replicator::aws {
namespace {

Credentials keys(const char* token = "") {
  return {.access_key = "AKIDEXAMPLE",
          .secret_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          .session_token = Secret(token),
          .expires = std::nullopt,
          .source = "test",
          .placeholder = false};
}

std::string header(const async::HttpRequest& request, std::string_view name) {
  std::string all;
  for (const auto& entry : request.headers) {
    if (entry.name == name) all += entry.value;
  }
  return all;
}

// Two of the published examples of the signing algorithm (get-vanilla, post-vanilla).
TEST(Signer, PublishedExamples) {
  for (const auto& [method, signature] :
       {std::pair{"GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        std::pair{"POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"}}) {
    async::HttpRequest request;
    request.method = method;
    request.headers = {{"Host", "example.amazonaws.com"}};
    Signer signer("us-east-1", "service");
    signer.sign(request, keys(), *parse_iso("2015-08-30T12:36:00Z"));
    EXPECT_EQ(header(request, "Authorization"),
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, Signature=" +
                  std::string(signature));
  }
}

TEST(Signer, KeyFollowsDayAndSecret) {
  const auto sign = [](Signer& signer, const char* at, const char* secret) {
    async::HttpRequest request;
    request.headers = {{"Host", "h"}};
    Credentials credentials = keys();
    credentials.secret_key = Secret(secret);
    signer.sign(request, credentials, *parse_iso(at));
    return header(request, "Authorization");
  };
  Signer used("r", "s");
  for (const auto& [at, secret] :
       {std::pair{"2026-01-01T00:00:00Z", "one"}, std::pair{"2026-01-02T00:00:00Z", "one"},
        std::pair{"2026-01-02T00:00:00Z", "two"}}) {
    Signer fresh("r", "s");
    EXPECT_EQ(sign(used, at, secret), sign(fresh, at, secret));
  }
}

struct Renewing : CredentialsProvider {
  CredentialsRef current = std::make_shared<const Credentials>(keys("old"));
  bool fresh = true;
  Result<CredentialsRef> get() override { return current; }
  bool renew(const CredentialsRef&) override {
    if (fresh) current = std::make_shared<const Credentials>(keys("new"));
    return fresh;
  }
};

struct ClientTest : testing::Test {
  FakeWorld world;
  std::shared_ptr<Renewing> provider = std::make_shared<Renewing>();
  Client client{world.doors,
                {false, "127.0.0.1", 8000, "us-east-1"},
                Service::dynamodb,
                provider,
                "http://127.0.0.1:8000/table"};

  Result<std::string> call(FakeHttp::Answer answer, bool writes = true) {
    world.http.answers.push_back(std::move(answer));
    auto task = client.call("BatchWriteItem", "{}", Instant{}, writes);
    task.start();
    EXPECT_TRUE(task.done());
    return task.take();
  }
  static FakeHttp::Answer answer(int status, std::string body,
                                 std::vector<async::Header> headers = {}) {
    return async::HttpResponse{status, std::move(headers), std::move(body)};
  }
  static FakeHttp::Answer error(const char* code, std::vector<async::Header> headers = {}) {
    return answer(400, R"({"__type":"x#)" + std::string(code) + "\"}", std::move(headers));
  }
  static FakeHttp::Answer broken(bool sent, bool untrusted = false) {
    return async::HttpError{async::HttpError::Stage::receive, sent, "reset", untrusted};
  }
};

TEST_F(ClientTest, SendsWhatTheServiceExpects) {
  world.clock.wall_time = *parse_iso("2026-01-02T03:04:05Z");
  const auto body = call(answer(200, "{\"a\":1}"));
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, "{\"a\":1}");
  const auto& request = world.http.requests.at(0);
  EXPECT_EQ(header(request, "Host"), "127.0.0.1:8000");
  EXPECT_EQ(header(request, "X-Amz-Target"), "DynamoDB_20120810.BatchWriteItem");
  EXPECT_EQ(header(request, "Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(header(request, "X-Amz-Date"), "20260102T030405Z");
  EXPECT_EQ(header(request, "X-Amz-Security-Token"), "old");
  EXPECT_EQ(header(request, "Accept-Encoding"), "identity");
  EXPECT_NE(
      header(request, "Authorization")
          .find("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"),
      std::string::npos);
}

TEST_F(ClientTest, StreamsAreSignedAsDynamodb) {
  for (const auto& [service, target, name] :
       {std::tuple{Service::streams, "DynamoDBStreams_20120810.GetRecords", "/dynamodb/"},
        std::tuple{Service::kinesis, "Kinesis_20131202.GetRecords", "/kinesis/"}}) {
    Client other(world.doors, {true, "h", 443, "us-east-1"}, service, provider, "w");
    world.http.answers.push_back(answer(200, ""));
    auto task = other.call("GetRecords", "{}", Instant{}, false);
    task.start();
    const auto& request = world.http.requests.back();
    EXPECT_EQ(header(request, "X-Amz-Target"), target);
    EXPECT_NE(header(request, "Authorization").find(name), std::string::npos);
  }
}

TEST_F(ClientTest, OnlyAWriteWithoutADefiniteAnswerMayHaveHappened) {
  EXPECT_TRUE(call(broken(true)).error().maybe_applied);
  EXPECT_FALSE(call(broken(false)).error().maybe_applied);
  EXPECT_FALSE(call(broken(true), false).error().maybe_applied);
  EXPECT_TRUE(call(answer(500, "")).error().maybe_applied);
  EXPECT_FALSE(call(answer(500, ""), false).error().maybe_applied);
  EXPECT_FALSE(call(error("ValidationException")).error().maybe_applied);
  const Failure failure = call(error("ThrottlingException", {{"x-amzn-RequestId", "ID"}})).error();
  EXPECT_EQ(failure.operation, "BatchWriteItem on http://127.0.0.1:8000/table");
  EXPECT_EQ(failure.request_id, "ID");
  EXPECT_EQ(failure.kind, FailureKind::throttled);
  EXPECT_EQ(call(broken(false, true)).error().kind, FailureKind::configuration);
  EXPECT_EQ(call(broken(false)).error().kind, FailureKind::transient);
}

TEST_F(ClientTest, SaysWhomItCouldNotReach) {
  EXPECT_EQ(call(broken(false)).error().message, "reset");
  Client other(world.doors, {true, "h", 443, "us-east-1"}, Service::kinesis, provider, "r/table");
  world.http.answers.push_back(broken(false, true));
  auto task = other.call("GetRecords", "{}", Instant{}, false);
  task.start();
  EXPECT_EQ(to_text(task.take().error()),
            "GetRecords on r/table: https://h: reset. Check that this is the right server; an "
            "authority of your own is named by AWS_CA_BUNDLE.");
}

TEST_F(ClientTest, ABodyIsCheckedAgainstItsLengthAndSum) {
  EXPECT_TRUE(call(answer(200, "{}", {{"x-amz-crc32", "2745614147"}, {"content-length", "2"}})));
  for (const std::vector<async::Header>& headers :
       {std::vector<async::Header>{{"X-Amz-Crc32", "2745614148"}},
        std::vector<async::Header>{{"x-amz-crc32", "x"}},
        std::vector<async::Header>{{"Content-Length", "3"}},
        std::vector<async::Header>{{"Content-Encoding", "gzip"}}}) {
    const auto result = call(answer(200, "{}", headers));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, FailureKind::unusable_answer);
    EXPECT_TRUE(result.error().maybe_applied);
  }
}

TEST_F(ClientTest, ExpiredCredentialsAreRenewedForTheNextAttempt) {
  EXPECT_EQ(call(error("ExpiredTokenException")).error().kind, FailureKind::transient);
  EXPECT_TRUE(call(answer(200, "{}")));
  EXPECT_EQ(header(world.http.requests.back(), "X-Amz-Security-Token"), "new");
  provider->fresh = false;
  EXPECT_EQ(call(error("ExpiredTokenException")).error().kind, FailureKind::credentials);
  EXPECT_EQ(call(error("UnrecognizedClientException")).error().kind, FailureKind::credentials);
}

TEST_F(ClientTest, WhatDoesNotWriteIsSentAgainAtOnceWhenItsSignatureCanBePutRight) {
  world.clock.wall_time = *parse_iso("2026-01-02T03:00:00Z");
  world.http.answers.push_back(error("ExpiredTokenException"));
  const auto read = [this](FakeHttp::Answer second) {
    world.http.answers.push_back(std::move(second));
    auto task = client.call("GetItem", "{}", world.clock.at + 5s, false);
    task.start();
    EXPECT_TRUE(task.done());
    return task.take();
  };
  EXPECT_TRUE(read(answer(200, "{}")));
  ASSERT_EQ(world.http.requests.size(), 2U);
  EXPECT_EQ(header(world.http.requests[1], "X-Amz-Security-Token"), "new");
  EXPECT_EQ(world.http.requests[1].body, "{}");
  world.http.answers.push_back(
      error("InvalidSignatureException", {{"Date", "Fri, 02 Jan 2026 03:20:00 GMT"}}));
  EXPECT_TRUE(read(answer(200, "{}")));
  EXPECT_EQ(header(world.http.requests.back(), "X-Amz-Date"), "20260102T032000Z");
  world.http.answers.push_back(error("ExpiredTokenException"));
  EXPECT_EQ(read(error("ExpiredTokenException")).error().kind, FailureKind::transient);
  EXPECT_EQ(world.http.requests.size(), 6U) << "twice, and no third time";
  EXPECT_TRUE(read(answer(200, "{}")));
}

TEST_F(ClientTest, AWrongClockIsAllowedForInSigning) {
  world.clock.wall_time = *parse_iso("2026-01-02T03:00:00Z");
  const std::vector<async::Header> late = {{"Date", "Fri, 02 Jan 2026 03:20:00 GMT"}};
  EXPECT_EQ(call(error("InvalidSignatureException", late)).error().kind, FailureKind::transient);
  EXPECT_TRUE(call(answer(200, "{}")));
  EXPECT_EQ(header(world.http.requests.back(), "X-Amz-Date"), "20260102T032000Z");
  // The same again is no matter of the clock.
  EXPECT_EQ(call(error("InvalidSignatureException", late)).error().kind, FailureKind::credentials);
  // Nor is a small difference, or a date that a cache has kept.
  for (const std::vector<async::Header>& headers :
       {std::vector<async::Header>{{"Date", "Fri, 02 Jan 2026 03:23:59 GMT"}},
        std::vector<async::Header>{{"Date", "Fri, 02 Jan 2026 09:00:00 GMT"}, {"Age", "1"}},
        std::vector<async::Header>{}}) {
    EXPECT_EQ(call(error("RequestTimeTooSkewed", headers)).error().kind, FailureKind::credentials);
  }
}

TEST_F(ClientTest, TheServicesTimeIsWhatItsAnswersSay) {
  world.clock.wall_time = *parse_iso("2026-01-02T03:00:00Z");
  EXPECT_EQ(client.service_time(), world.clock.wall_time) << "nothing is known yet";
  const auto dated = [](const char* date) { return answer(200, "{}", {{"Date", date}}); };
  EXPECT_TRUE(call(dated("Fri, 02 Jan 2026 02:40:00 GMT")));
  EXPECT_EQ(client.service_time(), *parse_iso("2026-01-02T02:40:00Z"));
  world.clock.wall_time += 10s;
  EXPECT_EQ(client.service_time(), *parse_iso("2026-01-02T02:40:10Z"));
  EXPECT_TRUE(call(answer(200, "{}")));
  EXPECT_EQ(client.service_time(), *parse_iso("2026-01-02T02:40:10Z")) << "no date, no news";
  EXPECT_TRUE(call(dated("Fri, 02 Jan 2026 03:00:08 GMT")));
  EXPECT_EQ(client.service_time(), world.clock.wall_time) << "near enough";
  world.http.meanwhile = [this] { world.clock.wall_time += 30s; };
  EXPECT_TRUE(call(dated("Fri, 02 Jan 2026 03:00:10 GMT")));
  EXPECT_EQ(client.service_time(), world.clock.wall_time) << "a slow answer is no other clock";
}

TEST_F(ClientTest, NoSecretIsSaid) {
  const auto result = call(answer(
      403,
      R"({"__type":"x#InvalidSignatureException","message":"It does not match.\n\nThe Canonical )"
      R"(String for this request should have been\n'POST\n/\n\nx-amz-security-token:old\n'"})"));
  const std::string text = to_text(result.error()) + world.log.text;
  EXPECT_EQ(text.find("token:old"), std::string::npos);
  EXPECT_EQ(text.find("wJalr"), std::string::npos);
}

}  // namespace
}  // namespace dynamodb_replicator::aws
