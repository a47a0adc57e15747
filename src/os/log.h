// Events on standard error, one a line, as text for people or JSON for machines.
//
//   2026-01-02T03:04:05.678Z info  lease taken  shard=shardId-000000000000 owner=host@12
//   {"time":"2026-01-02T03:04:05.678Z","level":"info","message":"lease
//   taken","shard":"shardId-000000000000"}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/doors.h"

namespace dynamodb_replicator::os {

enum class LogForm { text, json };

// As typed after --log and --log-level; nullopt: no such word.
std::optional<LogForm> parse_log_form(std::string_view word);
std::optional<async::Level> parse_level(std::string_view word);

// One line with its newline. Pure.
std::string format_event(LogForm form, WallTime at, async::Level level, std::string_view message,
                         const std::vector<async::Log::Field>& fields);

class Log : public async::Log {
 public:
  Log(async::Clock& clock, LogForm form, async::Level least, int descriptor = 2)
      : clock_(clock), form_(form), least_(least), descriptor_(descriptor) {}
  void write(async::Level level, std::string_view message,
             const std::vector<Field>& fields) override;

 private:
  async::Clock& clock_;
  LogForm form_;
  async::Level least_;
  int descriptor_;
};

}  // namespace dynamodb_replicator::os
