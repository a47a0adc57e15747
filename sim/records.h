// What both kinds of stream have in common: positions in a shard, iterators, and what the checker
// is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/value.h"
#include "sim/world.h"

namespace dynamodb_replicator::sim {

// A record that a stream now holds.
struct Emitted {
  std::string shard;
  std::string sequence;
  std::string key;          // canonical; empty: junk
  std::size_t version = 0;  // of the primary when the record was made
};

// Told of what happens in a stream.
class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  virtual void emitted(const Emitted& record) = 0;
  // A shard with parents has come into being.
  virtual void shard_born(const std::string& shard, const std::vector<std::string>& parents) = 0;
  // Retention has taken what the shard had up to and including this record; empty: the shard
  // itself.
  virtual void trimmed(const std::string& shard, const std::string& sequence) = 0;
  // Somebody is given a page of the shard; `last`: its last record, empty if it has none.
  virtual void page_read(const std::string& shard, const std::string& last) = 0;
};
inline constexpr Duration kRetention = 24h;

// Iterators are opaque to clients: shard, index of the next record, when it expires.
struct Iterator {
  std::string shard;
  std::size_t next = 0;
  Duration expires{0};
};
std::string to_text(const Iterator& iterator);
std::optional<Iterator> parse_iterator(std::string_view text);

// Sequence numbers: growing decimal numbers whose length changes soon after the start, since
// comparing them as text is a mistake worth finding.
inline constexpr std::uint64_t kFirstNumber = 999'999'999'999'999'900;
std::string sequence_text(std::string_view prefix, std::uint64_t number);
std::optional<std::uint64_t> parse_sequence(std::string_view prefix, std::string_view text);

}  // namespace dynamodb_replicator::sim
