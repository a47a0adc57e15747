#include "os/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/bytes.h"

namespace dynamodb_replicator::os {
namespace {

const char* name_of(async::Level level) {
  switch (level) {
    case async::Level::debug:
      return "debug";
    case async::Level::info:
      return "info";
    case async::Level::warning:
      return "warning";
    case async::Level::error:
      break;
  }
  return "error";
}

std::string time_of(WallTime at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  const auto fraction = std::chrono::floor<std::chrono::milliseconds>(at - second).count();
  const std::time_t count = second.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(count), fraction);
}

// Text that can stand after "key=" as it is.
bool is_plain(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

// A message stays on its line whatever is in it.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return line;
}

std::string json_string(std::string_view text) {
  if (base::is_utf8(text)) return base::to_json_string(text);
  std::string ascii(text);
  std::replace_if(
      ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; },
      '?');
  return base::to_json_string(ascii);
}

}  // namespace

std::optional<LogForm> parse_log_form(std::string_view word) {
  if (word == "text") return LogForm::text;
  if (word == "json") return LogForm::json;
  return std::nullopt;
}

std::optional<async::Level> parse_level(std::string_view word) {
  if (word == "debug") return async::Level::debug;
  if (word == "info") return async::Level::info;
  if (word == "warn" || word == "warning") return async::Level::warning;
  if (word == "error") return async::Level::error;
  return std::nullopt;
}

std::string format_event(LogForm form, WallTime at, async::Level level, std::string_view message,
                         const std::vector<async::Log::Field>& fields) {
  std::string line;
  if (form == LogForm::text) {
    line = fmt::format("{} {:<7} {}", time_of(at), name_of(level), one_line(message));
    bool first = true;
    for (const auto& [key, value] : fields) {
      line += fmt::format("{}{}={}", first ? "  " : " ", key,
                          is_plain(value) ? value : json_string(value));
      first = false;
    }
  } else {
    line = fmt::format(R"({{"time":"{}","level":"{}","message":{})", time_of(at), name_of(level),
                       json_string(message));
    for (const auto& [key, value] : fields) {
      line += "," + json_string(key) + ":" + json_string(value);
    }
    line += "}";
  }
  return line + "\n";
}

void Log::write(async::Level level, std::string_view message, const std::vector<Field>& fields) {
  if (level < least_) return;
  const std::string line = format_event(form_, clock_.wall(), level, message, fields);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t wrote = ::write(descriptor_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;  // nobody reads it any more: no reason to stop replicating
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace dynamodb_replicator::os
