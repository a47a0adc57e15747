// Names of the planted bugs and of the marks (base/planted.h), as they are typed and printed.
#pragma once

#include <optional>
#include <string_view>

#include "base/planted.h"

namespace dynamodb_replicator::sim {

// What a run plays: sim/scene.h or sim/pair_scene.h.
enum class Kind { replicate, pair };

std::string_view name_of(base::Bug bug);
std::string_view name_of(base::Mark mark);
// What the program does wrong with it, in a few words.
std::string_view sentence_of(base::Bug bug);
// Too few seeds tell the program with the bug from the program without it: not sought by --mutants;
// the regression list has a run that does.
bool is_rare(base::Bug bug);
// Where the bug is sought.
Kind kind_of(base::Bug bug);
// The kinds of faults with which the bug is sought, as --kinds-on takes them; empty: all. For one
// that drowns where everything else goes wrong too.
std::string_view only_kinds_of(base::Bug bug);
std::optional<base::Bug> bug_named(std::string_view name);

}  // namespace dynamodb_replicator::sim
