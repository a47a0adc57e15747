// Points in time as services write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace dynamodb_replicator::aws {

// "20260102T030405Z", UTC, as signatures want it.
std::string basic_iso(WallTime at);

// "Fri, 02 Jan 2026 03:04:05 GMT" (RFC 9110, the one form that services send).
std::optional<WallTime> parse_http_date(std::string_view text);

// "2026-01-02T03:04:05Z", with a fraction of up to six digits that count, and Z or +hh:mm.
std::optional<WallTime> parse_iso(std::string_view text);

}  // namespace dynamodb_replicator::aws
