// The shape of one run, drawn from its seed before it begins: how large, how fast, who takes part.
#pragma once

#include <string>

#include "app/replicate.h"
#include "sim/table.h"
#include "sim/writer.h"

namespace dynamodb_replicator::sim {

struct Drawn {
  Schema schema;
  Writer::Options writer;
  std::size_t workers = 2;
  std::size_t shards = 1;
  Duration chaos_for{0};
  Duration lease{0};
  Duration doubt{0};
  std::string mode = "fast";
  std::string verify = "auto";
  bool absence = false;  // nobody works for longer than the stream's retention
};

// Every run has at least this much in it, whatever else was drawn.
inline constexpr std::size_t kWorkersMin = 2;
inline constexpr std::size_t kKeysMin = 20;
inline constexpr std::uint64_t kChangesMin = 1000;
inline constexpr std::uint64_t kReshardsMin = 2;

Drawn draw(base::Prng prng);
std::string to_text(const Drawn& drawn);
app::ReplicateOptions options_for(const Drawn& drawn);

inline constexpr const char* kDeadLetters = "/var/lib/dead-letters.jsonl";

}  // namespace dynamodb_replicator::sim
