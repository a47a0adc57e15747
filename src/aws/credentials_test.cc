#include "aws/credentials.h"

#include <gtest/gtest.h>

#include "aws/fake_doors.h"
#include "aws/moments.h"

namespace dynamodb_replicator::aws {
namespace {

using Provider = std::shared_ptr<CredentialsProvider>;

struct CredentialsTest : testing::Test {
  FakeWorld world;
  std::string& config = world.files.contents["/home/u/.aws/config"];
  std::string& shared = world.files.contents["/home/u/.aws/credentials"];
  Result<Provider> find(const char* asked = "", bool loopback = false) {
    auto profile = load_profile(world.environment, world.files, asked);
    if (!profile) return profile.error();
    return find_credentials(world.doors, *profile, loopback);
  }
  std::string key(const char* asked = "", bool loopback = false) {
    auto found = find(asked, loopback);
    if (!found) return to_text(found.error());
    const auto credentials = (*found)->get();
    return (*credentials)->access_key + " " + (*credentials)->secret_key.reveal() + " " +
           (*credentials)->session_token.reveal();
  }
  void set(const char* name, const char* value) { world.environment.variables[name] = value; }
};

TEST_F(CredentialsTest, IniAsTheAwsCliReadsIt) {
  const auto sections = parse_ini(
      "ignored = 1\n# comment\n[default]\r\nRegion = us-east-1 # here\r\nkey=a#b ; c\n"
      "s3 =\n  addressing = path\n\tother=x\nnext = 1\n[profile \"my one\"]\nx = = "
      "y\n[broken\nz=1\n");
  EXPECT_EQ(sections.at("default").at("region"), "us-east-1");
  EXPECT_EQ(sections.at("default").at("key"), "a#b");
  EXPECT_EQ(sections.at("default").at("s3.addressing"), "path");
  EXPECT_EQ(sections.at("default").at("s3.other"), "x");
  EXPECT_EQ(sections.at("default").at("next"), "1");
  EXPECT_EQ(sections.at("profile my one").at("x"), "= y");
  EXPECT_EQ(sections.size(), 2U);
}

TEST_F(CredentialsTest, OrderOfTheChain) {
  config =
      "[default]\naws_access_key_id=C\naws_secret_access_key=c\n"
      "[profile p]\naws_access_key_id=PC\naws_secret_access_key=pc\n";
  EXPECT_EQ(key(), "C c ");
  config +=
      "[profile q]\ncredential_process = give\naws_access_key_id=Q\naws_secret_access_key=q\n";
  world.environment.outputs.push_back(
      std::string(R"({"Version":1,"AccessKeyId":"X","SecretAccessKey":"x","SessionToken":"t"})"));
  EXPECT_EQ(key("q"), "X x t");
  EXPECT_EQ(world.environment.commands, std::vector<std::string>{"give"});
  shared =
      "[default]\naws_access_key_id = S\naws_secret_access_key = s\naws_session_token = st\n"
      "[p]\naws_access_key_id = PS\naws_secret_access_key = ps\n";
  EXPECT_EQ(key(), "S s st");
  set("AWS_PROFILE", "p");
  EXPECT_EQ(key(), "PS ps ");
  set("AWS_ACCESS_KEY_ID", "E");
  set("AWS_SECRET_ACCESS_KEY", "e");
  EXPECT_EQ(key(), "E e ");
  EXPECT_EQ(key("p"), "PS ps ");  // an asked profile wins over the environment
  set("AWS_SESSION_TOKEN", "et");
  EXPECT_EQ(key(), "E e et");
}

TEST_F(CredentialsTest, NoneIsOneSentenceWithTheRemedy) {
  const auto none = find();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, FailureKind::credentials);
  EXPECT_EQ(to_text(none.error()),
            "there are no AWS credentials in the environment or in the profile \"default\". Set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile that has keys or a "
            "credential_process.");
  EXPECT_EQ(key("", true), "placeholder placeholder ");
  config = "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n";
  EXPECT_NE(key("r").find("by role_arn, which cannot be used directly"), std::string::npos);
  EXPECT_NE(key("absent").find("the profile \"absent\" is in neither"), std::string::npos);
  set("AWS_ACCESS_KEY_ID", "E");
  EXPECT_NE(key().find("only one of"), std::string::npos);
}

TEST_F(CredentialsTest, ProcessIsAskedAgainBeforeItsKeysEnd) {
  world.clock.wall_time = *parse_iso("2026-01-02T00:00:00Z");
  config = "[default]\ncredential_process = give\n";
  const auto output = [](const char* id, const char* end) {
    return R"({"Version":1,"AccessKeyId":")" + std::string(id) +
           R"(","SecretAccessKey":"x","Expiration":")" + end + "\"}";
  };
  world.environment.outputs.push_back(output("A", "2026-01-02T01:00:00Z"));
  auto provider = *find();
  const auto now = [&] {
    const auto got = provider->get();
    return got ? (*got)->access_key : to_text(got.error());
  };
  const auto pass = [&](Duration time) {
    world.clock.at += time;
    world.clock.wall_time += std::chrono::duration_cast<std::chrono::microseconds>(time);
  };
  EXPECT_EQ(now(), "A");
  pass(47min);  // a fifth of its hour is 12 minutes
  EXPECT_EQ(now(), "A");
  pass(2min);
  Failure failure;
  failure.message = "exit status 1";
  world.environment.outputs.push_back(failure);
  EXPECT_EQ(now(), "A");  // failed, but the old ones still hold
  EXPECT_EQ(now(), "A");  // and it is not asked again at once
  EXPECT_EQ(world.environment.commands.size(), 2U);
  pass(31s);
  world.environment.outputs.push_back(output("B", "2026-01-02T03:00:00+01:00"));
  EXPECT_EQ(now(), "B");
  pass(72min);  // ended
  world.environment.outputs.push_back(failure);
  EXPECT_NE(now().find("failed: exit status 1"), std::string::npos);
  EXPECT_EQ(world.log.text.find("AccessKey"), std::string::npos);
}

TEST_F(CredentialsTest, RefusedOnesAreReadAgain) {
  shared = "[default]\naws_access_key_id = S\naws_secret_access_key = s\n";
  auto provider = *find();
  const auto used = *provider->get();
  EXPECT_FALSE(provider->renew(used));  // nothing new there
  shared = "[default]\naws_access_key_id = T\naws_secret_access_key = t\n";
  EXPECT_FALSE(provider->renew(used));  // looked a moment ago
  world.clock.at += 31s;
  EXPECT_TRUE(provider->renew(used));
  EXPECT_EQ((*provider->get())->access_key, "T");
  EXPECT_TRUE(provider->renew(used));  // a second call that had used the old ones
}

TEST_F(CredentialsTest, WhatAProcessMayNotPrint) {
  config = "[default]\ncredential_process = give\n";
  world.clock.wall_time = *parse_iso("2026-01-02T00:00:00Z");
  for (
      const char* text :
      {"", "planted", "{}", R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"planted"})",
       R"({"Version":1,"SecretAccessKey":"planted"})",
       R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"planted","Expiration":"soon"})",
       R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"planted","Expiration":"2026-01-01T00:00:00Z"})"}) {
    world.environment.outputs.push_back(std::string(text));
    const auto found = find();
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(to_text(found.error()).find("planted"), std::string::npos);
  }
}

TEST(Moments, Forms) {
  const auto at = parse_iso("2026-02-03T04:05:06.789Z");
  ASSERT_TRUE(at);
  EXPECT_EQ(basic_iso(*at), "20260203T040506Z");
  EXPECT_EQ(*parse_iso("2026-02-03T06:05:06.789+0200"), *at);
  EXPECT_EQ(*parse_iso("2026-02-03T03:05:06.7890001-01:00"), *at);
  EXPECT_EQ(basic_iso(*parse_http_date("Tue, 03 Feb 2026 04:05:06 GMT")), "20260203T040506Z");
  for (const char* bad : {"", "2026-02-30T00:00:00Z", "2026-02-03", "2026-02-03T00:00:00",
                          "2026-02-03T25:00:00Z", "2026-02-03T00:00:00.Z", "x"}) {
    EXPECT_FALSE(parse_iso(bad)) << bad;
  }
  for (const char* bad : {"", "Tue, 03 Foo 2026 04:05:06 GMT", "Tue, 03 Feb 2026 04:05:06 CET",
                          "Tue, 3 Feb 2026 04:05:06 GMT", "Tuesday, 03-Feb-26 04:05:06 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

}  // namespace
}  // namespace dynamodb_replicator::aws
