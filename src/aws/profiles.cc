#include "aws/profiles.h"

#include <utility>

#include "base/bytes.h"

namespace dynamodb_replicator::aws {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// `profile  "my one"` -> `profile my one`.
std::string section_name(std::string_view text) {
  std::string name;
  for (const char c : trim(text)) {
    if (c == '"' || c == '\'') continue;
    const bool blank = kBlanks.find(c) != kBlanks.npos;
    if (blank && (name.empty() || name.back() == ' ')) continue;
    name += blank ? ' ' : c;
  }
  return name;
}

// A comment begins a line, or follows a blank.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    const bool mark = value[i] == '#' || value[i] == ';';
    if (mark && kBlanks.find(value[i - 1]) != kBlanks.npos) return trim(value.substr(0, i));
  }
  return value;
}

const Section* find(const Sections& sections, const std::string& name) {
  const auto found = sections.find(name);
  return found == sections.end() ? nullptr : &found->second;
}

Result<Sections> read_sections(async::Files& files, const std::string& path) {
  auto text = files.read(path);
  if (!text) return std::move(text).error();
  if (!text->has_value()) return Sections{};
  return parse_ini(**text);
}

}  // namespace

Sections parse_ini(std::string_view text) {
  Sections sections;
  Section* section = nullptr;
  std::string parent;  // the key whose nested block may follow
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const bool indented = kBlanks.find(raw.front()) != kBlanks.npos;
    if (line.front() == '[' && !indented) {
      const auto close = line.find(']');
      section = close == line.npos ? nullptr : &sections[section_name(line.substr(1, close - 1))];
      parent.clear();
      continue;
    }
    const auto equals = line.find('=');
    if (section == nullptr || equals == line.npos) continue;
    const std::string key = base::to_lower(trim(line.substr(0, equals)));
    const std::string value(without_comment(trim(line.substr(equals + 1))));
    if (indented && !parent.empty()) {
      (*section)[parent + "." + key] = value;
    } else {
      (*section)[key] = value;
      parent = value.empty() ? key : "";
    }
  }
  return sections;
}

std::optional<std::string> Profile::setting(const std::string& key) const {
  for (const Section* section : {&config, &credentials}) {
    const auto found = section->find(key);
    if (found != section->end() && !found->second.empty()) return found->second;
  }
  return std::nullopt;
}

namespace {

std::string expand_home(std::string path, async::Environment& environment) {
  if (path.starts_with("~/")) path = environment.home() + path.substr(1);
  return path;
}

}  // namespace

Result<Profile> load_profile(async::Environment& environment, async::Files& files,
                             const std::string& asked) {
  const auto variable = [&environment](const char* name) {
    return environment.variable(name).value_or("");
  };
  Profile profile;
  profile.name = asked;
  profile.asked = !asked.empty();
  if (profile.name.empty()) profile.name = variable("AWS_PROFILE");
  if (profile.name.empty()) profile.name = variable("AWS_DEFAULT_PROFILE");
  profile.explicitly_chosen = !profile.name.empty();
  if (profile.name.empty()) profile.name = "default";

  std::string config_path = variable("AWS_CONFIG_FILE");
  if (config_path.empty()) config_path = "~/.aws/config";
  std::string credentials_path = variable("AWS_SHARED_CREDENTIALS_FILE");
  if (credentials_path.empty()) credentials_path = "~/.aws/credentials";
  const auto config = read_sections(files, expand_home(config_path, environment));
  if (!config) return config.error();
  const auto credentials = read_sections(files, expand_home(credentials_path, environment));
  if (!credentials) return credentials.error();

  const Section* in_config = find(*config, "profile " + profile.name);
  if (in_config == nullptr && profile.name == "default") in_config = find(*config, "default");
  const Section* in_credentials = find(*credentials, profile.name);
  profile.exists = in_config != nullptr || in_credentials != nullptr;
  if (in_config != nullptr) profile.config = *in_config;
  if (in_credentials != nullptr) profile.credentials = *in_credentials;
  if (const auto services = profile.setting("services")) {
    const Section* section = find(*config, "services " + *services);
    if (section != nullptr) profile.services = *section;
  }
  if (profile.explicitly_chosen && !profile.exists && profile.name != "default") {
    return misconfigured("the profile \"" + profile.name + "\" is in neither " + config_path +
                             " nor " + credentials_path,
                         "Choose another by --primary-profile, --replica-profile or AWS_PROFILE.");
  }
  return profile;
}

}  // namespace dynamodb_replicator::aws
