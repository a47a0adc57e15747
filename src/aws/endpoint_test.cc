#include "aws/endpoint.h"

#include <gtest/gtest.h>

#include "aws/fake_doors.h"

namespace dynamodb_replicator::aws {
namespace {

struct EndpointTest : testing::Test {
  FakeWorld world;
  Result<Endpoint> find(const char* place, Service service = Service::dynamodb) {
    auto profile = load_profile(world.environment, world.files, "");
    if (!profile) return profile.error();
    return find_endpoint(*parse_table(place), service, world.environment, *profile);
  }
  std::string url(const char* place, Service service = Service::dynamodb) {
    const auto found = find(place, service);
    return found ? found->url() + " " + found->signing_region : to_text(found.error());
  }
};

TEST_F(EndpointTest, PublicOnesOfEveryPartition) {
  const auto host = [](Service service, const char* region, bool fips = false, bool dual = false) {
    return public_endpoint(service, region, fips, dual).host;
  };
  EXPECT_EQ(host(Service::dynamodb, "us-east-1"), "dynamodb.us-east-1.amazonaws.com");
  EXPECT_EQ(host(Service::streams, "us-east-1"), "streams.dynamodb.us-east-1.amazonaws.com");
  EXPECT_EQ(host(Service::kinesis, "us-east-1"), "kinesis.us-east-1.amazonaws.com");
  EXPECT_EQ(host(Service::dynamodb, "cn-north-1"), "dynamodb.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(host(Service::kinesis, "us-gov-west-1"), "kinesis.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(host(Service::dynamodb, "eusc-de-east-1"), "dynamodb.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(host(Service::dynamodb, "us-isob-east-1"), "dynamodb.us-isob-east-1.sc2s.sgov.gov");
  EXPECT_EQ(host(Service::dynamodb, "us-iso-east-1"), "dynamodb.us-iso-east-1.c2s.ic.gov");
  EXPECT_EQ(host(Service::dynamodb, "mars-1"), "dynamodb.mars-1.amazonaws.com");
  EXPECT_EQ(host(Service::dynamodb, "us-east-1", true), "dynamodb-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(host(Service::streams, "us-east-1", true),
            "streams.dynamodb-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(host(Service::streams, "us-east-1", false, true), "streams-dynamodb.us-east-1.api.aws");
  EXPECT_EQ(host(Service::dynamodb, "fips-us-east-1"), "dynamodb-fips.us-east-1.amazonaws.com");
}

TEST_F(EndpointTest, SignedForTheRegionThatTheCliWouldChoose) {
  EXPECT_EQ(url("localhost:8000/table"), "http://localhost:8000 us-east-1");
  world.files.contents["/home/u/.aws/config"] = "[default]\nregion = eu-north-1\n";
  EXPECT_EQ(url("localhost:8000/table"), "http://localhost:8000 eu-north-1");
  world.environment.variables["AWS_DEFAULT_REGION"] = "eu-west-2";
  EXPECT_EQ(url("localhost:8000/table"), "http://localhost:8000 eu-west-2");
  world.environment.variables["AWS_REGION"] = "eu-west-3";
  EXPECT_EQ(url("localhost:8000/table"), "http://localhost:8000 eu-west-3");
  EXPECT_EQ(url("us-east-2/table"), "https://dynamodb.us-east-2.amazonaws.com us-east-2");
  world.environment.variables["AWS_REGION"] = "evil.com/";
  EXPECT_EQ(find("localhost:8000/table").error().kind, FailureKind::configuration);
}

TEST_F(EndpointTest, ConfiguredOnesInTheirOrder) {
  const char* place = "us-east-2/table";
  world.files.contents["/home/u/.aws/config"] =
      "[default]\nendpoint_url = http://fourth:4\nservices = mine\n[services mine]\n"
      "dynamodb =\n  endpoint_url = http://third:3\n";
  EXPECT_EQ(url(place), "http://third:3 us-east-2");
  EXPECT_EQ(url(place, Service::streams), "http://fourth:4 us-east-2");
  world.environment.variables["AWS_ENDPOINT_URL"] = "http://second:2/";
  EXPECT_EQ(url(place), "http://second:2 us-east-2");
  world.environment.variables["AWS_ENDPOINT_URL_DYNAMODB"] = "https://first";
  EXPECT_EQ(url(place), "https://first us-east-2");
  world.environment.variables["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] = "http://streams:1";
  EXPECT_EQ(url(place, Service::streams), "http://streams:1 us-east-2");
  world.environment.variables["AWS_ENDPOINT_URL_KINESIS"] = "http://kinesis:1";
  EXPECT_EQ(url(place, Service::kinesis), "http://kinesis:1 us-east-2");
  EXPECT_EQ(url("http://own:9/table"), "http://own:9 us-east-1");
  world.environment.variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  EXPECT_EQ(find(place).error().kind, FailureKind::configuration);
  world.environment.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(url(place), "https://dynamodb-fips.us-east-2.amazonaws.com us-east-2");
  world.environment.variables["AWS_USE_FIPS_ENDPOINT"] = "yes";
  EXPECT_EQ(find(place).error().message, "AWS_USE_FIPS_ENDPOINT must be true or false");
}

TEST_F(EndpointTest, OneHostForBothUnlessItIsAmazons) {
  EXPECT_EQ(url("http://127.0.0.1:8000/table", Service::streams),
            "http://127.0.0.1:8000 us-east-1");
  EXPECT_EQ(url("https://dynamodb.eu-west-1.amazonaws.com/table", Service::streams),
            "https://streams.dynamodb.eu-west-1.amazonaws.com us-east-1");
}

TEST_F(EndpointTest, SamePlace) {
  const auto same = [this](const char* a, const char* key_a, const char* b, const char* key_b) {
    const auto la = parse_table(a);
    const auto lb = parse_table(b);
    const auto ea = find(a);
    const auto eb = find(b);
    return same_place({*la, *ea, key_a}, {*lb, *eb, key_b});
  };
  EXPECT_TRUE(same("us-east-1/table", "k", "us-east-1/table", "k"));
  EXPECT_FALSE(same("us-east-1/table", "k", "us-east-1/table", "other"));
  EXPECT_FALSE(same("us-east-1/table", "k", "us-west-2/table", "k"));
  EXPECT_FALSE(same("us-east-1/table", "k", "us-east-1/table2", "k"));
  EXPECT_TRUE(same("localhost:8000/table", "k", "http://127.0.0.1:8000/table", "k"));
  EXPECT_FALSE(same("localhost:8000/table", "k", "localhost:8001/table", "k"));
  const char* one = "arn:aws:dynamodb:us-east-1:111111111111:table/table";
  const char* two = "arn:aws:dynamodb:us-east-1:222222222222:table/table";
  EXPECT_TRUE(same(one, "k", one, "other"));
  EXPECT_FALSE(same(one, "k", two, "k"));
  EXPECT_TRUE(same(one, "k", "us-east-1/table", "k"));
}

TEST_F(EndpointTest, Words) {
  EXPECT_EQ((Endpoint{false, "::1", 8000, "r"}).authority(), "[::1]:8000");
  EXPECT_EQ((Endpoint{true, "h", 443, "r"}).authority(), "h");
  EXPECT_EQ((Endpoint{true, "h", 80, "r"}).authority(), "h:80");
  EXPECT_EQ((Endpoint{false, "h", 80, "r"}).authority(), "h");
  EXPECT_EQ(describe(*parse_table("us-east-1/table"), *find("us-east-1/table")), "us-east-1/table");
  EXPECT_EQ(describe(*parse_table("localhost:1/table"), *find("localhost:1/table")),
            "http://localhost:1/table");
}

}  // namespace
}  // namespace dynamodb_replicator::aws
