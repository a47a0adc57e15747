#include "sim/drawn.h"

namespace dynamodb_replicator::sim {

Drawn draw(base::Prng prng) {
  Drawn drawn;
  static const std::vector<std::string> kTypes{"S", "N", "B"};
  drawn.schema.hash = {"id", kTypes[prng.below(3)]};
  if (prng.chance(1, 2)) drawn.schema.range = KeyPart{"range", kTypes[prng.below(3)]};
  const std::uint64_t source = prng.below(5);
  drawn.writer.records = source < 2    ? Writer::Records::none
                         : source == 2 ? Writer::Records::aws
                                       : Writer::Records::dyno;
  drawn.writer.keys = kKeysMin + prng.below(11);
  drawn.writer.changes = kChangesMin + prng.below(400);
  drawn.workers = kWorkersMin + prng.below(2);
  drawn.shards = 1 + prng.below(4);
  drawn.chaos_for = between(prng, 25s, 90s);
  drawn.lease = std::chrono::seconds(3 + prng.below(prng.chance(1, 2) ? 2 : 10));
  drawn.doubt = std::chrono::seconds(3 + prng.below(6));
  if (prng.chance(1, 8)) drawn.verify = "always";
  if (prng.chance(2, 5)) drawn.mode = "fenced";
  drawn.absence = prng.chance(1, 10);
  if (drawn.absence) drawn.chaos_for += 80s;  // half of it, and what is on its way, before that day
  return drawn;
}

std::string to_text(const Drawn& drawn) {
  const char* source = drawn.writer.records == Writer::Records::none  ? "streams"
                       : drawn.writer.records == Writer::Records::aws ? "kinesis (aws records)"
                                                                      : "kinesis (dyno records)";
  return drawn.mode + ", " + source + ", key " + drawn.schema.hash.type +
         (drawn.schema.range ? drawn.schema.range->type : "") + ", " +
         std::to_string(drawn.writer.keys) + " keys, " + std::to_string(drawn.shards) +
         " shards, " + std::to_string(drawn.workers) + " workers, lease " +
         std::to_string(drawn.lease / 1s) + " s, doubt " + std::to_string(drawn.doubt / 1s) +
         " s, chaos " + std::to_string(drawn.chaos_for / 1s) + " s" +
         (drawn.absence ? ", a day of absence" : "");
}

app::ReplicateOptions options_for(const Drawn& drawn) {
  app::ReplicateOptions options;
  options.primary = "http://primary.sim:8000/primary";
  options.replica = "http://replica.sim:8001/replica";
  if (drawn.writer.records != Writer::Records::none)
    options.kinesis = "http://kinesis.sim:4567/changes";
  options.mode = drawn.mode;
  options.lease_time = drawn.lease;
  options.doubt = drawn.doubt;
  options.verify = drawn.verify;
  options.dead_letter = kDeadLetters;
  return options;
}

}  // namespace dynamodb_replicator::sim
