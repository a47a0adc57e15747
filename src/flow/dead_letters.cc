#include "flow/dead_letters.h"

#include "base/bytes.h"

namespace dynamodb_replicator::flow {

std::string to_line(const DeadLetter& letter) {
  std::string line = "{\"stream\":";
  base::append_json_string(line, letter.stream);
  line += ",\"shard\":";
  base::append_json_string(line, letter.shard);
  line += ",\"sequence\":";
  base::append_json_string(line, letter.sequence);
  line += ",\"reason\":";
  base::append_json_string(line, letter.reason);
  line += ",\"raw\":\"" + base::to_base64(letter.raw) + "\"}";
  return line;
}

}  // namespace dynamodb_replicator::flow
