#include "app/state.h"

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::app {

Result<std::string> state_directory(async::Doors& doors, const std::string& asked) {
  std::string directory = asked;
  if (directory.empty()) {
    // A relative path there is to be ignored (XDG Base Directory Specification).
    const std::optional<std::string> base = doors.environment.variable("XDG_STATE_HOME");
    const bool usable = base && base->starts_with('/');
    directory =
        (usable ? *base : doors.environment.home() + "/.local/state") + "/dynamodb-replicator";
  }
  Result<void> made = doors.files.make_directories(directory);
  if (made) return directory;
  Failure failure = std::move(made).error();
  failure.hint = "Give --state a directory that you may write to.";
  return failure;
}

std::string pair_name(const Pair& pair) { return pair.primary.where + " -> " + pair.replica.where; }

// By place and ARN: a local engine gives the same ARN at every endpoint, and elsewhere a place is
// not one account.
std::string journal_path(const std::string& directory, const Pair& pair) {
  const std::string identity =
      pair_name(pair) + "\n" + pair.primary.identity + "\n" + pair.replica.identity;
  return directory + "/" + base::to_hex(base::sha256(identity)).substr(0, 32) + ".journal";
}

}  // namespace dynamodb_replicator::app
