#include "sim/records.h"

#include <charconv>

#include "base/bytes.h"

namespace dynamodb_replicator::sim {
namespace {

template <class T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(const Iterator& iterator) {
  return base::to_base64(iterator.shard + "|" + std::to_string(iterator.next) + "|" +
                         std::to_string(iterator.expires.count()));
}

std::optional<Iterator> parse_iterator(std::string_view text) {
  const auto bytes = base::from_base64(text);
  if (!bytes) return std::nullopt;
  const std::string_view all = *bytes;
  const auto second = all.rfind('|');
  const auto first = second == all.npos || second == 0 ? all.npos : all.rfind('|', second - 1);
  if (first == all.npos) return std::nullopt;
  const auto next = parse<std::size_t>(all.substr(first + 1, second - first - 1));
  const auto expires = parse<Duration::rep>(all.substr(second + 1));
  if (!next || !expires) return std::nullopt;
  return Iterator{std::string(all.substr(0, first)), *next, Duration(*expires)};
}

std::string sequence_text(std::string_view prefix, std::uint64_t number) {
  return std::string(prefix) + std::to_string(number) + "000";
}

std::optional<std::uint64_t> parse_sequence(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix) || !text.ends_with("000")) return std::nullopt;
  return parse<std::uint64_t>(text.substr(prefix.size(), text.size() - prefix.size() - 3));
}

}  // namespace dynamodb_replicator::sim
