// The line that a record leaves behind when it can never be applied: everything needed to look at
// it and to apply it later by hand, and nothing else (no credentials, no item).
#pragma once

#include <string>

namespace dynamodb_replicator::flow {

struct DeadLetter {
  std::string stream;
  std::string shard;
  std::string sequence;  // (stream, shard, sequence) names one record; replays may write it again
  std::string reason;
  std::string raw;  // as received
};

// One JSON object without newline:
// {"stream":...,"shard":...,"sequence":...,"reason":...,"raw":"<base64>"}.
std::string to_line(const DeadLetter& letter);

}  // namespace dynamodb_replicator::flow
