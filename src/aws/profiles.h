// The AWS CLI's files: ~/.aws/config and ~/.aws/credentials, as far as this program uses them.
//
// Values of secrets are held as plain text here only while credentials are being made of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "async/doors.h"
#include "base/result.h"

namespace dynamodb_replicator::aws {

using Section = std::map<std::string, std::string>;  // "key", or "key.sub" for a nested block
using Sections = std::map<std::string, Section>;

// Never fails: lines that are no setting are passed over, as the AWS CLI's users expect of comments
// and typing errors in sections they do not use. Section names are as between the brackets, blanks
// squeezed, quotes removed.
Sections parse_ini(std::string_view text);

struct Profile {
  std::string name;
  bool exists = false;
  bool asked = false;              // by an option: then it also wins over keys in the environment
  bool explicitly_chosen = false;  // by option or AWS_PROFILE, not just "default"
  Section config;                  // of the config file
  Section credentials;             // of the credentials file
  Section services;                // of the [services x] section it names: "dynamodb.endpoint_url"
  // Config file first.
  [[nodiscard]] std::optional<std::string> setting(const std::string& key) const;
};

// `asked` wins over AWS_PROFILE over AWS_DEFAULT_PROFILE over "default". A profile chosen
// explicitly that exists in neither file, or a file that cannot be read, is a Failure
// (configuration).
Result<Profile> load_profile(async::Environment& environment, async::Files& files,
                             const std::string& asked);

}  // namespace dynamodb_replicator::aws
