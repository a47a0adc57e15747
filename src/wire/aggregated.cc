#include "wire/aggregated.h"

#include <cstdint>
#include <exception>
#include <protozero/pbf_reader.hpp>

#include "base/digests.h"

namespace dynamodb_replicator::wire {
namespace {

constexpr std::string_view kMagic = "\xF3\x89\x9A\xC2";
constexpr std::size_t kDigestBytes = 16;

using protozero::pbf_wire_type;

struct Entry {
  std::optional<std::uint64_t> partition_key;
  std::optional<std::uint64_t> hash_key;
  std::optional<std::string_view> data;
};

struct Packet {
  std::uint64_t partition_keys = 0;
  std::uint64_t hash_keys = 0;
  std::vector<Entry> entries;
};

// A known field of another wire type is no message of ours (and protozero would assert).
std::optional<std::string_view> bytes_of(protozero::pbf_reader& reader) {
  if (reader.wire_type() != pbf_wire_type::length_delimited) return std::nullopt;
  const auto view = reader.get_view();
  return std::string_view(view.data(), view.size());
}

std::optional<std::uint64_t> integer_of(protozero::pbf_reader& reader) {
  if (reader.wire_type() != pbf_wire_type::varint) return std::nullopt;
  return reader.get_uint64();
}

// False: not such a message. Unknown fields (tags of a record, for one) are skipped.
bool read_entry(std::string_view bytes, Entry& entry) {
  protozero::pbf_reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    bool good = true;
    switch (reader.tag()) {
      case 1:
        good = (entry.partition_key = integer_of(reader)).has_value();
        break;
      case 2:
        good = (entry.hash_key = integer_of(reader)).has_value();
        break;
      case 3:
        good = (entry.data = bytes_of(reader)).has_value();
        break;
      default:
        reader.skip();
    }
    if (!good) return false;
  }
  return true;
}

bool read_field(protozero::pbf_reader& reader, Packet& packet) {
  if (reader.tag() > 3) {
    reader.skip();
    return true;
  }
  const auto tag = reader.tag();
  const auto bytes = bytes_of(reader);
  if (!bytes) return false;
  if (tag == 1) {
    ++packet.partition_keys;
  } else if (tag == 2) {
    ++packet.hash_keys;
  } else {
    return read_entry(*bytes, packet.entries.emplace_back());
  }
  return true;
}

AggregatedPart part_of(const Entry& entry, const Packet& packet) {
  if (!entry.data) return BadRecord{"a part of an aggregated record has no data"};
  if (!entry.partition_key || *entry.partition_key >= packet.partition_keys ||
      (entry.hash_key && *entry.hash_key >= packet.hash_keys)) {
    return BadRecord{"a part of an aggregated record points outside the record's own tables"};
  }
  return *entry.data;
}

}  // namespace

std::optional<std::vector<AggregatedPart>> split_aggregated(std::string_view blob) {
  if (!blob.starts_with(kMagic) || blob.size() <= kMagic.size() + kDigestBytes) return std::nullopt;
  const std::string_view message =
      blob.substr(kMagic.size(), blob.size() - kMagic.size() - kDigestBytes);
  if (base::md5(message) != blob.substr(blob.size() - kDigestBytes)) return std::nullopt;
  try {
    Packet packet;
    protozero::pbf_reader reader(message.data(), message.size());
    while (reader.next()) {
      if (!read_field(reader, packet)) return std::nullopt;
    }
    std::vector<AggregatedPart> parts;
    parts.reserve(packet.entries.size());
    for (const Entry& entry : packet.entries) parts.push_back(part_of(entry, packet));
    return parts;
  } catch (const std::exception&) {  // protozero throws on any malformed message
    return std::nullopt;
  }
}

}  // namespace dynamodb_replicator::wire
