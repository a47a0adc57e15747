// Names of the planted bugs and of the marks (base/planted.h), as they are typed and printed.
#pragma once

#include <optional>
#include <string_view>

#include "base/planted.h"

namespace dynamodb_replicator::sim {

std::string_view name_of(base::Bug bug);
std::string_view name_of(base::Mark mark);
// What the program does wrong with it, in a few words.
std::string_view sentence_of(base::Bug bug);
std::optional<base::Bug> bug_named(std::string_view name);

}  // namespace dynamodb_replicator::sim
