#include "aws/location.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/bytes.h"

namespace dynamodb_replicator::aws {
namespace {

constexpr std::string_view kTableForms =
    "a table is written us-east-1/table, 127.0.0.1:8000/table (or localhost), "
    "http://host:port/table (or https), or arn:aws:dynamodb:us-east-1:123456789012:table/table";
constexpr std::string_view kStreamForms =
    "a stream is written us-east-1/stream, 127.0.0.1:4568/stream (or localhost), "
    "http://host:port/stream (or https), or arn:aws:kinesis:us-east-1:123456789012:stream/stream";

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view name, std::size_t shortest, std::size_t longest) {
  return name.size() >= shortest && name.size() <= longest &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && host.front() != '.' && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

bool is_ipv6(std::string_view host) {
  return host.find(':') != host.npos && std::all_of(host.begin(), host.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                  c == '.';
         });
}

std::vector<std::string_view> split(std::string_view text, char by, std::size_t most) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < most) {
    const auto at = text.find(by);
    if (at == text.npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

// "host", "host:port", "[v6]:port".
Result<HostPort, std::string> parse_authority(std::string_view text, bool tls) {
  HostPort place{tls, "", static_cast<std::uint16_t>(tls ? 443 : 80)};
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return std::string("the address has no closing bracket");
    host = text.substr(1, close - 1);
    if (!is_ipv6(host)) return std::string("the address in brackets is not an IPv6 address");
    std::string_view rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return std::string("the address is followed by no port");
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = text.find(':');
    has_port = colon != text.npos;
    host = text.substr(0, colon);
    if (has_port) port = text.substr(colon + 1);
    if (!is_host(host)) return std::string("the host name is not one");
  }
  if (has_port) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number == 0 || number > 65535) {
      return std::string("the port is not a number from 1 to 65535");
    }
    place.port = static_cast<std::uint16_t>(number);
  }
  place.host = base::to_lower(host);
  return place;
}

struct Parser {
  std::string_view text;
  bool stream;

  [[nodiscard]] Failure refuse(std::string_view why) const {
    return misconfigured("\"" + std::string(text.substr(0, 200)) + "\" is not the place of a " +
                         (stream ? "stream" : "table") + ": " + std::string(why) + "; " +
                         std::string(stream ? kStreamForms : kTableForms));
  }

  [[nodiscard]] Result<Location> named(Location location, std::string_view name) const {
    if (stream && !is_name(name, 1, 128)) {
      return refuse("a stream's name has 1 to 128 characters of A-Z a-z 0-9 _ . -");
    }
    if (!stream && !is_table_name(name)) {
      return refuse("a table's name has 3 to 255 characters of A-Z a-z 0-9 _ . -");
    }
    location.name = name;
    return location;
  }

  [[nodiscard]] Result<Location> arn(Location location) const {
    const auto parts = split(text, ':', 6);
    if (parts.size() < 6 || !parts[1].starts_with("aws") || !is_region(parts[1])) {
      return refuse("the ARN is not complete");
    }
    location.partition = parts[1];
    const std::string_view service = parts[2];
    if (!is_region(parts[3])) return refuse("the ARN names no region");
    location.region = parts[3];
    const bool account =
        parts[4].size() == 12 && std::all_of(parts[4].begin(), parts[4].end(), is_digit);
    // DynamoDB Local gives its tables the account 000000000000, kinesis-mock takes any; both have
    // 12 digits.
    if (!account) return refuse("the ARN names no account of 12 digits");
    location.account = parts[4];
    return arn_resource(std::move(location), service, split(parts[5], '/', 4));
  }

  [[nodiscard]] Result<Location> arn_resource(Location location, std::string_view service,
                                              const std::vector<std::string_view>& path) const {
    if (service == "kinesis" && path.size() == 2 && path[0] == "stream") {
      return stream ? named(std::move(location), path[1])
                    : refuse("this is the ARN of a Kinesis stream");
    }
    if (service != "dynamodb" || path.size() < 2 || path[0] != "table") {
      return refuse(stream ? "this is the ARN of something else than a stream"
                           : "this is the ARN of something else than a table");
    }
    const bool own_stream = path.size() == 4 && path[2] == "stream" && !path[3].empty();
    if (stream && !own_stream) return refuse("this is the ARN of a table");
    if (!stream && path.size() != 2) return refuse("this is the ARN of a part of a table");
    if (!is_table_name(path[1])) return refuse("the ARN holds no table's name");
    location.name = path[1];
    if (own_stream) {
      location.what = Location::What::dynamodb_stream;
      location.stream_label = path[3];
    }
    return location;
  }

  [[nodiscard]] Result<Location> url(Location location) const {
    const bool tls = text.starts_with("https://");
    const auto parts = split(text.substr(tls ? 8 : 7), '/', 2);
    if (parts.size() != 2) return refuse("no name follows the host");
    auto place = parse_authority(parts[0], tls);
    if (!place) return refuse(place.error());
    location.endpoint = *place;
    return named(std::move(location), parts[1]);
  }

  [[nodiscard]] Result<Location> parse() const {
    Location location;
    location.what = stream ? Location::What::kinesis_stream : Location::What::table;
    location.text = text;
    if (text.starts_with("arn:")) return arn(std::move(location));
    if (text.starts_with("https://") || text.starts_with("http://")) {
      return url(std::move(location));
    }
    const auto parts = split(text, '/', 2);
    if (parts.size() != 2 || text.find("://") != text.npos) {
      return refuse("it has none of the four forms");
    }
    if (parts[0].find(':') != parts[0].npos) return local(std::move(location), parts);
    if (is_loopback(parts[0])) return refuse("a local endpoint needs its port");
    if (!is_region(parts[0])) return refuse("what stands before the slash is no region");
    location.region = parts[0];
    return named(std::move(location), parts[1]);
  }

  [[nodiscard]] Result<Location> local(Location location,
                                       const std::vector<std::string_view>& parts) const {
    auto place = parse_authority(parts[0], false);
    if (!place) return refuse(place.error());
    // Without a scheme nobody said whether it is to be encrypted; on this machine that is no
    // question.
    if (!is_loopback(place->host)) {
      return refuse("a host that is not this machine needs http:// or https:// before it");
    }
    location.endpoint = *place;
    return named(std::move(location), parts[1]);
  }
};

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") return true;
  // 127.0.0.0/8 as four numbers; "127.example.com" is a name.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

Result<HostPort, std::string> parse_url(std::string_view text) {
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) {
    return std::string("it does not begin with http:// or https://");
  }
  text.remove_prefix(tls ? 8 : 7);
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.find_first_of("/?#@") != text.npos) {
    return std::string("only a host and a port may follow the scheme");
  }
  return parse_authority(text, tls);
}

bool is_table_name(std::string_view name) { return is_name(name, 3, 255); }

bool is_region(std::string_view region) {
  return !region.empty() && region.size() <= 63 && region.front() != '-' && region.back() != '-' &&
         std::all_of(region.begin(), region.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::string Location::arn() const {
  if (partition.empty()) return "";
  std::string arn = "arn:" + partition;
  arn += what == What::kinesis_stream ? ":kinesis:" : ":dynamodb:";
  arn += region + ":" + account;
  arn += (what == What::kinesis_stream ? ":stream/" : ":table/") + name;
  if (what == What::dynamodb_stream) arn += "/stream/" + stream_label;
  return arn;
}

Result<Location> parse_table(std::string_view text) { return Parser{text, false}.parse(); }
Result<Location> parse_stream(std::string_view text) { return Parser{text, true}.parse(); }

}  // namespace dynamodb_replicator::aws
