#include "aws/credentials.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "aws/moments.h"

namespace dynamodb_replicator::aws {
namespace {

constexpr Duration kRenewAhead = 15min;  // before the end, or in the last fifth of a short life
constexpr Duration kBetweenTries = 30s;

Failure refused(std::string message, std::string hint) {
  Failure failure;
  failure.kind = FailureKind::credentials;
  failure.message = std::move(message);
  failure.hint = std::move(hint);
  return failure;
}

class Fixed : public CredentialsProvider {
 public:
  explicit Fixed(CredentialsRef credentials) : credentials_(std::move(credentials)) {}
  Result<CredentialsRef> get() override { return credentials_; }
  bool renew(const CredentialsRef&) override { return false; }

 private:
  CredentialsRef credentials_;
};

std::string value_of(const Section& section, const char* key) {
  const auto found = section.find(key);
  return found == section.end() ? "" : found->second;
}

Result<CredentialsRef> static_keys(const Section& section, const std::string& source) {
  Credentials made;
  made.access_key = value_of(section, "aws_access_key_id");
  made.secret_key = Secret(value_of(section, "aws_secret_access_key"));
  made.session_token = Secret(value_of(section, "aws_session_token"));
  made.source = source;
  if (made.access_key.empty()) return CredentialsRef{};
  if (made.secret_key.empty()) {
    return refused(source + " has aws_access_key_id without aws_secret_access_key",
                   "Add the secret key.");
  }
  return std::make_shared<const Credentials>(std::move(made));
}

// The standard output of a credential_process (AWS CLI User Guide, "Source credentials with an
// external process").
Result<CredentialsRef> parse_process_output(std::string_view text, const std::string& source,
                                            WallTime now) {
  const auto bad = [&source](const char* what) {
    return refused("the credential_process of " + source + " printed " + what,
                   "Run it by hand to see why.");
  };
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) {
    return bad("no JSON object");
  }
  std::int64_t version = 0;
  if (object["Version"].get(version) != simdjson::SUCCESS || version != 1) {
    return bad("no \"Version\": 1");
  }
  const auto member = [&object](const char* name) {
    std::string_view value;
    return object[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  Credentials made;
  made.access_key = member("AccessKeyId");
  made.secret_key = Secret(member("SecretAccessKey"));
  made.session_token = Secret(member("SessionToken"));
  made.source = source;
  if (made.access_key.empty() || made.secret_key.empty()) return bad("no complete pair of keys");
  if (const std::string expires = member("Expiration"); !expires.empty()) {
    made.expires = parse_iso(expires);
    if (!made.expires) return bad("an Expiration that is no ISO 8601 time");
    if (*made.expires <= now) return bad("credentials that have already expired");
  }
  return std::make_shared<const Credentials>(std::move(made));
}

// Keys of a profile; read again when they run out or are refused, for files change under
// long-running programs.
class OfProfile : public CredentialsProvider {
 public:
  OfProfile(async::Doors& doors, Profile profile) : doors_(doors), profile_(std::move(profile)) {}

  // Null: the profile has none, and never had.
  Result<CredentialsRef> get() override {
    if (current_ && !is_due()) return current_;
    auto made = load(profile_);
    if (made && (*made != nullptr || !current_)) return adopt(*std::move(made));
    last_try_ = doors_.clock.now();
    const bool usable =
        current_ && (!current_->expires || *current_->expires > doors_.clock.wall());
    if (!usable) return made;
    const std::string reason = made ? "the profile has no keys any more" : to_text(made.error());
    doors_.log.warning("credentials could not be renewed; the old ones are used while they last",
                       {{"reason", reason}});
    return current_;
  }

  bool renew(const CredentialsRef& used) override {
    if (current_ && current_ != used) return true;  // another call has done it
    if (last_try_ && doors_.clock.now() < *last_try_ + kBetweenTries) return false;
    last_try_ = doors_.clock.now();
    const auto profile = load_profile(doors_.environment, doors_.files, profile_.name);
    if (!profile) return false;
    auto made = load(*profile);
    if (!made || *made == nullptr) return false;
    const bool same = used && (*made)->access_key == used->access_key &&
                      (*made)->secret_key == used->secret_key &&
                      (*made)->session_token == used->session_token;
    if (same) return false;
    adopt(*std::move(made));
    return true;
  }

  // Null: the profile has none.
  Result<CredentialsRef> load(const Profile& profile) {
    const std::string source = "profile \"" + profile.name + "\"";
    auto found = static_keys(profile.credentials, source);
    if (!found || *found != nullptr) return found;
    if (const auto command = profile.setting("credential_process")) {
      auto output = doors_.environment.run_command(*command);
      if (!output) {
        return refused("the credential_process of " + source + " failed: " + output.error().message,
                       "Run it by hand to see why.");
      }
      const Secret text(std::move(*output));
      return parse_process_output(text.reveal(), source, doors_.clock.wall());
    }
    return static_keys(profile.config, source);
  }

 private:
  CredentialsRef adopt(CredentialsRef made) {
    current_ = std::move(made);
    made_at_ = doors_.clock.wall();
    last_try_.reset();
    return current_;
  }

  bool is_due() {
    if (!current_->expires) return false;
    if (last_try_ && doors_.clock.now() < *last_try_ + kBetweenTries) return false;
    const Duration life = *current_->expires - made_at_;
    return doors_.clock.wall() >= *current_->expires - std::min<Duration>(kRenewAhead, life / 5);
  }

  async::Doors& doors_;
  Profile profile_;
  CredentialsRef current_;
  WallTime made_at_{};
  std::optional<Instant> last_try_;  // that failed
};

Result<CredentialsRef> of_environment(async::Environment& environment) {
  const auto variable = [&environment](const char* name) {
    return environment.variable(name).value_or("");
  };
  Credentials made;
  made.access_key = variable("AWS_ACCESS_KEY_ID");
  made.secret_key = Secret(variable("AWS_SECRET_ACCESS_KEY"));
  made.session_token = Secret(variable("AWS_SESSION_TOKEN"));
  made.source = "the environment";
  if (made.access_key.empty() && made.secret_key.empty()) return CredentialsRef{};
  if (made.access_key.empty() || made.secret_key.empty()) {
    return refused("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set",
                   "Set both, or neither and use a profile.");
  }
  return std::make_shared<const Credentials>(std::move(made));
}

// What the profile says instead of keys, in words for the remedy.
std::string other_source(const Profile& profile) {
  for (const char* key : {"role_arn", "sso_session", "sso_start_url", "login_session",
                          "web_identity_token_file", "credential_source"}) {
    if (profile.setting(key)) return key;
  }
  return "";
}

Failure none_found(const Profile& profile) {
  if (const std::string key = other_source(profile); !key.empty()) {
    return refused("the profile \"" + profile.name + "\" gets its credentials by " + key +
                       ", which cannot be used directly",
                   "Add a profile with credential_process = aws configure export-credentials "
                   "--format process --profile " +
                       profile.name + ", and choose that one.");
  }
  return refused(
      "there are no AWS credentials in the environment or in the profile \"" + profile.name + "\"",
      "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile that has "
      "keys or a credential_process.");
}

}  // namespace

std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials) {
  return std::make_shared<Fixed>(std::make_shared<const Credentials>(std::move(credentials)));
}

Result<std::shared_ptr<CredentialsProvider>> find_credentials(async::Doors& doors,
                                                              const Profile& profile,
                                                              bool loopback) {
  using Provider = std::shared_ptr<CredentialsProvider>;
  if (!profile.asked) {
    auto found = of_environment(doors.environment);
    if (!found) return std::move(found).error();
    if (*found != nullptr) return Provider(std::make_shared<Fixed>(*std::move(found)));
  }
  const auto provider = std::make_shared<OfProfile>(doors, profile);
  auto found = provider->get();
  if (!found) return std::move(found).error();
  if (*found != nullptr) return Provider(provider);
  if (!loopback) return none_found(profile);
  return fixed_credentials({.access_key = "placeholder",
                            .secret_key = Secret("placeholder"),
                            .session_token = {},
                            .expires = std::nullopt,
                            .source = "placeholders",
                            .placeholder = true});
}

}  // namespace dynamodb_replicator::aws
