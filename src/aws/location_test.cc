#include "aws/location.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace dynamodb_replicator::aws {
namespace {

TEST(Location, TheFourFormsOfATable) {
  const auto region = parse_table("us-east-1/my.Table_1");
  ASSERT_TRUE(region);
  EXPECT_EQ(region->region, "us-east-1");
  EXPECT_EQ(region->name, "my.Table_1");
  EXPECT_FALSE(region->endpoint);

  const auto local = parse_table("127.0.0.1:8000/table");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->endpoint, (HostPort{false, "127.0.0.1", 8000}));
  EXPECT_EQ(local->region, "");
  EXPECT_EQ(parse_table("localhost:4567/table")->endpoint, (HostPort{false, "localhost", 4567}));
  EXPECT_EQ(parse_table("[::1]:8000/table")->endpoint, (HostPort{false, "::1", 8000}));

  EXPECT_EQ(parse_table("https://Host.Example/table")->endpoint,
            (HostPort{true, "host.example", 443}));
  EXPECT_EQ(parse_table("http://db:8000/table")->endpoint, (HostPort{false, "db", 8000}));
  EXPECT_EQ(parse_table("https://[fd00::1]:8443/table")->endpoint,
            (HostPort{true, "fd00::1", 8443}));

  const auto arn = parse_table("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t.1");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->partition, "aws-cn");
  EXPECT_EQ(arn->region, "cn-north-1");
  EXPECT_EQ(arn->account, "123456789012");
  EXPECT_EQ(arn->name, "t.1");
  EXPECT_EQ(arn->arn(), "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t.1");
}

TEST(Location, TheFourFormsOfAStream) {
  EXPECT_EQ(parse_stream("eu-west-1/s")->what, Location::What::kinesis_stream);
  EXPECT_EQ(parse_stream("localhost:4568/stream")->endpoint, (HostPort{false, "localhost", 4568}));
  EXPECT_EQ(parse_stream("https://k:4567/stream")->name, "stream");
  const auto kinesis = parse_stream("arn:aws:kinesis:us-east-1:000000000000:stream/changes");
  ASSERT_TRUE(kinesis);
  EXPECT_EQ(kinesis->name, "changes");
  EXPECT_EQ(kinesis->arn(), "arn:aws:kinesis:us-east-1:000000000000:stream/changes");
  const std::string own =
      "arn:aws:dynamodb:ddblocal:000000000000:table/items/stream/2026-01-02T03:04:05.678";
  const auto dynamodb = parse_stream(own);
  ASSERT_TRUE(dynamodb);
  EXPECT_EQ(dynamodb->what, Location::What::dynamodb_stream);
  EXPECT_EQ(dynamodb->name, "items");
  EXPECT_EQ(dynamodb->stream_label, "2026-01-02T03:04:05.678");
  EXPECT_EQ(dynamodb->arn(), own);
}

TEST(Location, AnythingElseIsRefusedWithTheFourForms) {
  for (const char* text : {"",
                           "table",
                           "/table",
                           "us-east-1/",
                           "us-east-1/ab",
                           "us-east-1/a/b",
                           "US-EAST-1/table",
                           "us.east/table",
                           "us-east-1@evil/table",
                           "-x/table",
                           "localhost/table",
                           "127.0.0.1/table",
                           "host:8000/table",
                           "127.evil.com:80/table",
                           "localhost:0/table",
                           "localhost:65536/table",
                           "localhost:80x/table",
                           "localhost:/table",
                           "http://host",
                           "http:///table",
                           "http://host:1/table?x",
                           "http://user@host/table",
                           "http://h:1/a/table",
                           "ftp://h/table",
                           "[::1/table",
                           "[zz]:1/table",
                           "arn:aws:dynamodb:us-east-1:123456789012",
                           "arn:aws:dynamodb:us-east-1:123:table/table",
                           "arn:aws:dynamodb::123456789012:table/table",
                           "arn:aws:s3:us-east-1:123456789012:table/table",
                           "arn:aws:kinesis:us-east-1:123456789012:stream/table",
                           "arn:aws:dynamodb:us-east-1:123456789012:table/table/index/i",
                           "arn:aws:dynamodb:us-east-1:123456789012:table/table/stream/2026",
                           "arn:evil:dynamodb:us-east-1:123456789012:table/table"}) {
    const auto location = parse_table(text);
    ASSERT_FALSE(location) << text;
    EXPECT_EQ(location.error().kind, FailureKind::configuration);
    for (const char* form : {"us-east-1/table", "127.0.0.1:8000/table", "http://host:port/table",
                             "arn:aws:dynamodb:us-east-1:123456789012:table/table"}) {
      EXPECT_NE(location.error().message.find(form), std::string::npos) << text;
    }
  }
  EXPECT_FALSE(parse_stream("arn:aws:dynamodb:us-east-1:123456789012:table/table"));
  EXPECT_FALSE(parse_stream("us-east-1/" + std::string(129, 'a')));
  EXPECT_TRUE(parse_table("us-east-1/" + std::string(255, 'a')));
  EXPECT_FALSE(parse_table("us-east-1/" + std::string(256, 'a')));
}

TEST(Location, Urls) {
  EXPECT_EQ(*parse_url("http://localhost:8000/"), (HostPort{false, "localhost", 8000}));
  EXPECT_EQ(*parse_url("https://x.y"), (HostPort{true, "x.y", 443}));
  EXPECT_FALSE(parse_url("localhost:8000"));
  EXPECT_FALSE(parse_url("http://h/path"));
  EXPECT_FALSE(parse_url("http://a@h"));
}

TEST(Location, NothingBreaksIt) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const auto words = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("arn:", "aws:", "dynamodb:", "us-east-1", "/", ":", "[", "]",
                                      "http://", "localhost", "8000", "table", text));
    std::string all;
    for (const auto& word : words) all += word;
    const auto location = parse_table(all);
    if (location) RC_ASSERT(is_table_name(location->name));
    (void)parse_stream(all);
  }));
}

}  // namespace
}  // namespace dynamodb_replicator::aws
