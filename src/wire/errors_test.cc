#include "wire/errors.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"

namespace dynamodb_replicator::wire {
namespace {

Failure of(int status, std::string_view body, std::string_view type = "",
           std::string_view id = "") {
  return failure_of_answer({status, body, type, id});
}

struct Case {
  int status;
  const char* body;
  FailureKind kind;
  const char* code;
};

TEST(Errors, EveryCodeOfTheTable) {
  const std::vector<Case> cases = {
      {400,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",)"
       R"("message":"The level of configured provisioned throughput for the table was exceeded."})",
       FailureKind::throttled, "ProvisionedThroughputExceededException"},
      {400,
       R"({"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate of requests )"
       R"(exceeds the allowed throughput.","throttlingReasons":[{"reason":"TableWriteKeyRange)"
       R"(ThroughputExceeded","resource":"arn:aws:dynamodb:us-east-1:123456789012:table/t"}]})",
       FailureKind::throttled, "ThrottlingException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#RequestLimitExceeded","message":"x"})",
       FailureKind::throttled, "RequestLimitExceeded"},
      {400, R"({"__type":"LimitExceededException","message":"Rate exceeded for shard"})",
       FailureKind::throttled, "LimitExceededException"},
      {400, R"({"__type":"KMSThrottlingException","message":"x"})", FailureKind::throttled,
       "KMSThrottlingException"},
      {500,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError",)"
       R"("message":"The request processing has failed"})",
       FailureKind::transient, "InternalServerError"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#ReplicatedWriteConflictException"})",
       FailureKind::transient, "ReplicatedWriteConflictException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"})",
       FailureKind::conflict, "TransactionConflictException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionInProgressException"})",
       FailureKind::throttled, "TransactionInProgressException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"})",
       FailureKind::invalid, "IdempotentParameterMismatchException"},
      {400,
       R"({"__type":"com.amazon.coral.service#ExpiredTokenException",)"
       R"("message":"The security token included in the request is expired"})",
       FailureKind::credentials, "ExpiredTokenException"},
      {400,
       R"({"__type":"com.amazon.coral.service#UnrecognizedClientException",)"
       R"("message":"The security token included in the request is invalid."})",
       FailureKind::credentials, "UnrecognizedClientException"},
      {400, R"({"__type":"com.amazon.coral.service#MissingAuthenticationTokenException"})",
       FailureKind::credentials, "MissingAuthenticationTokenException"},
      {400,
       R"({"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: )"
       R"(arn:aws:iam::123456789012:user/u is not authorized to perform: dynamodb:Scan"})",
       FailureKind::denied, "AccessDeniedException"},
      {400, R"({"__type":"KMSDisabledException","message":"x"})", FailureKind::denied,
       "KMSDisabledException"},
      {400,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",)"
       R"("message":"The conditional request failed","Item":{"secret":{"S":"value"}}})",
       FailureKind::condition_failed, "ConditionalCheckFailedException"},
      {400,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",)"
       R"("message":"Requested resource not found"})",
       FailureKind::not_found, "ResourceNotFoundException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException"})",
       FailureKind::conflict, "ResourceInUseException"},
      {400,
       R"({"__type":"com.amazon.coral.validate#ValidationException",)"
       R"("message":"Provided list of item keys contains duplicates"})",
       FailureKind::invalid, "ValidationException"},
      {400, R"({"__type":"com.amazon.coral.service#SerializationException"})", FailureKind::invalid,
       "SerializationException"},
      {400,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#ItemCollectionSizeLimitExceededException"})",
       FailureKind::invalid, "ItemCollectionSizeLimitExceededException"},
      {400, R"({"__type":"com.amazonaws.dynamodb.v20120810#ExpiredIteratorException"})",
       FailureKind::expired_iterator, "ExpiredIteratorException"},
      {400, R"({"__type":"ExpiredNextTokenException"})", FailureKind::expired_iterator,
       "ExpiredNextTokenException"},
      {400,
       R"({"__type":"com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException",)"
       R"("message":"The operation attempted to read past the oldest stream record in a shard."})",
       FailureKind::trimmed, "TrimmedDataAccessException"},
      {400, R"({"__type":"InvalidArgumentException","message":"Invalid ShardIterator."})",
       FailureKind::invalid, "InvalidArgumentException"},
      {400, R"({"__type":"com.amazon.coral.service#UnknownOperationException","message":null})",
       FailureKind::configuration, "UnknownOperationException"},
      {400, R"({"__type":"BrandNewException","message":"never heard of"})", FailureKind::invalid,
       "BrandNewException"},
  };
  for (const Case& c : cases) {
    const Failure failure = of(c.status, c.body);
    EXPECT_EQ(failure.kind, c.kind) << c.body;
    EXPECT_EQ(failure.code, c.code) << c.body;
    EXPECT_FALSE(failure.message.empty()) << c.body;
    EXPECT_EQ(failure.message.find("secret"), std::string::npos);
    const bool under_way = failure.code == "TransactionInProgressException";
    EXPECT_EQ(failure.maybe_applied, c.status >= 500 || under_way) << c.body;
  }
}

TEST(Errors, CodeFromWhereverItStands) {
  EXPECT_EQ(error_code({400, R"({"code":"ThrottlingException"})", "", ""}), "ThrottlingException");
  EXPECT_EQ(error_code({400, R"({"Code":400})", "", ""}), "400");
  EXPECT_EQ(error_code({400, "{}", "ValidationException:http://internal.amazon.com/coral/", ""}),
            "ValidationException");
  EXPECT_EQ(error_code({400, "", "a,b", ""}), "a");
  EXPECT_EQ(error_code({400, R"({"__type":"ns#First","code":"Second"})", "Third", ""}), "First");
  EXPECT_EQ(error_code({400, R"({"__type":"com.x#A:http://y/#z"})", "", ""}), "z");
}

TEST(Errors, CancelledTransactions) {
  const auto cancelled = [](std::string_view reasons) {
    return of(400, R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",)"
                   R"("Message":"Transaction cancelled, please refer cancellation reasons",)"
                   R"("CancellationReasons":[)" +
                       std::string(reasons) + "]}");
  };
  EXPECT_EQ(cancelled(R"({"Code":"None"},{"Code":"TransactionConflict","Message":"m"})").kind,
            FailureKind::conflict);
  EXPECT_EQ(cancelled(R"({"Code":"None"},{"Code":"ThrottlingError","Message":"m"})").kind,
            FailureKind::throttled);
  EXPECT_EQ(cancelled(R"({"Code":"ThrottlingError"},{"Code":"TransactionConflict"})").kind,
            FailureKind::conflict);
  EXPECT_EQ(cancelled(R"({"Code":"ValidationError"},{"Code":"TransactionConflict"})").kind,
            FailureKind::invalid);
  const Failure fence = cancelled(
      R"({"Code":"ValidationError"},{"Code":"ConditionalCheckFailed","Item":{"a":{"S":"planted"}}})");
  EXPECT_EQ(fence.kind, FailureKind::condition_failed);
  EXPECT_EQ(fence.message,
            "the transaction was cancelled: ValidationError, ConditionalCheckFailed");
  EXPECT_FALSE(fence.maybe_applied);
  EXPECT_EQ(cancellation_reasons(R"({"CancellationReasons":[{"Code":"None"},{"Code":"X"},{}]})"),
            (std::vector<std::string>{"None", "X", "None"}));
  EXPECT_TRUE(cancellation_reasons("<html>").empty());
}

TEST(Errors, BodiesThatAreNotTheServices) {
  EXPECT_EQ(of(413, "").kind, FailureKind::too_large);
  const Failure proxy = of(502, "<html>\n<head><title>502 Bad Gateway</title></head></html>");
  EXPECT_EQ(proxy.kind, FailureKind::transient);
  EXPECT_TRUE(proxy.maybe_applied);
  EXPECT_EQ(proxy.message,
            "HTTP status 502 with a body that is not the service's: <html> "
            "<head><title>502 Bad Gateway</title></head></html>");
  const Failure empty = of(503, "");
  EXPECT_EQ(empty.kind, FailureKind::transient);
  EXPECT_EQ(empty.message, "HTTP status 503 with an empty body");
  EXPECT_EQ(of(429, "slow").kind, FailureKind::throttled);
  EXPECT_EQ(of(408, "").kind, FailureKind::transient);
  EXPECT_EQ(of(403, "<html>no</html>").kind, FailureKind::denied);
  // Nothing of this may look like an item that the service refuses: it would be thrown away.
  const Failure other = of(404, "<UnknownOperationException/>");
  EXPECT_EQ(other.kind, FailureKind::configuration);
  EXPECT_EQ(other.hint, "This does not look like the service; check the endpoint.");
  EXPECT_EQ(of(400, "<html>Bad Request</html>").kind, FailureKind::configuration);
  EXPECT_EQ(of(301, "").kind, FailureKind::configuration);
  EXPECT_EQ(of(400, R"({"message":"no type at all"})").kind, FailureKind::configuration);
  EXPECT_EQ(of(400, "[1,2]").kind, FailureKind::configuration);
  EXPECT_EQ(of(204, "").kind, FailureKind::unusable_answer);
  EXPECT_TRUE(of(204, "").maybe_applied);
}

TEST(Errors, ThrottlingInA5xxIsThrottlingAndMayHaveBeenApplied) {
  const Failure failure = of(503, R"({"__type":"ThrottlingException","message":"m"})", "", "ID1");
  EXPECT_EQ(failure.kind, FailureKind::throttled);
  EXPECT_TRUE(failure.maybe_applied);
  EXPECT_EQ(failure.request_id, "ID1");
}

TEST(Errors, MessagesEchoNothing) {
  EXPECT_EQ(clean_message(
                "The request signature we calculated does not match.\n\nThe Canonical String for "
                "this request should have been\n'POST\n/\nx-amz-security-token:planted'"),
            "The request signature we calculated does not match. The Canonical String ...");
  EXPECT_EQ(clean_message("The parameter cannot be converted to a numeric value: planted"),
            "The parameter cannot be converted to a numeric value: ...");
  EXPECT_EQ(clean_message("Input collection [planted, planted] contains duplicates."),
            "Input collection [ ...");
  EXPECT_EQ(clean_message("1 validation error detected: Value 'planted' at 'tableName' failed"),
            "1 validation error detected: Value '...' at 'tableName' failed");
  EXPECT_EQ(clean_message("a\r\n\t\x1b b\x7f "), "a b");
  EXPECT_EQ(clean_message("caf\xe9"), "caf?");
  EXPECT_EQ(clean_message("\xc3\xa4\xc3\xa4\xc3\xa4", 3), "\xc3\xa4...");
}

TEST(Errors, AnythingHasAMeaningAndOneCleanLine) {
  EXPECT_TRUE(rc::check([](const std::string& body, const std::string& type) {
    const int status = *rc::gen::inRange(100, 600);
    const Failure failure = failure_of_answer({status, body, type, body});
    RC_ASSERT(base::is_utf8(failure.message));
    RC_ASSERT(failure.message.size() < 400U);
    RC_ASSERT(!failure.message.empty());
    for (const char c : failure.message) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20U);
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::wire
