// diff-record PRIMARY REPLICA KEY, replicate-record PRIMARY REPLICA KEY
#include "app/one_item.h"

#include "cli/command.h"
#include "cli/pair_options.h"
#include "os/run.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kOneKey =
    "KEY is JSON, plain as diff-tables prints it, {\"id\":\"abc\",\"n\":7}, or in wire form, "
    "{\"id\":{\"S\":\"abc\"},\"n\":{\"N\":\"7\"}}.\nIn plain form binary is base64. "
    "A whole line that diff-tables printed will do as well.\n";

std::string purpose(const char* what) { return std::string(what) + "\n\n" + kOneKey + kLocations; }

constexpr const char* kDiffRecordExamples =
    "Examples:\n"
    "  diff-record us-east-1/orders eu-west-1/orders '{\"id\":\"abc\"}'\n"
    "  diff-record 127.0.0.1:8000/orders 127.0.0.1:8000/copy '{\"id\":{\"S\":\"abc\"}}' "
    "--exit-code\n\n"
    "Exit status: 0; with --exit-code 1 if the records are not equivalent; 2 failed or wrong "
    "usage;\n130 interrupted.\n";

constexpr const char* kReplicateRecordExamples =
    "Examples:\n"
    "  replicate-record us-east-1/orders eu-west-1/orders '{\"id\":\"abc\"}'\n"
    "  replicate-record 127.0.0.1:8000/orders 127.0.0.1:8000/copy "
    "'{\"id\":{\"S\":\"abc\"},\"n\":{\"N\":\"7\"}}'\n\n"
    "Exit status: 0 the item is in line; 2 failed, or it did not hold still; 130 interrupted.\n";

void add_item(CLI::App& app, app::OneItemOptions& options) {
  add_pair(app, options.pair);
  app.add_option("KEY", options.key, "the item's key, as JSON")->required();
  app.add_option("--ignore", options.ignore,
                 "an attribute that does not count; the replica keeps its own (repeatable; "
                 "aws:rep:* never counts)")
      ->allow_extra_args(false);
  add_profiles(app, options.pair);
}

async::Task<int> show_difference(std::string name, async::Doors& doors, app::OneItemOptions options,
                                 bool exit_code) {
  Result<app::RecordDifference> found = co_await app::diff_record(doors, std::move(options));
  if (!found) co_return complain(name, to_text(found.error()));
  co_return print_result(name, found->text, exit_code && !found->equivalent ? 1 : 0);
}

async::Task<int> bring_in_line(std::string name, async::Doors& doors, app::OneItemOptions options) {
  Result<std::string> done = co_await app::replicate_record(doors, std::move(options));
  if (!done) co_return complain(name, to_text(done.error()));
  co_return print_result(name, *done, 0);
}

}  // namespace

int diff_record(const std::string& name, Arguments arguments) {
  app::OneItemOptions options;
  bool exit_code = false;
  Command command(name,
                  purpose("Prints one item as both tables have it now, and whether the two are "
                          "equivalent, attribute by attribute where not. Changes nothing."),
                  kDiffRecordExamples);
  add_item(command.app(), options);
  command.app().add_flag("--exit-code", exit_code,
                         "exit 1 if the records are not equivalent (else 0)");
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  os::Outside outside(command.log_form(), command.log_level());
  return outside.run(show_difference(name, outside.doors(), std::move(options), exit_code));
}

int replicate_record(const std::string& name, Arguments arguments) {
  app::OneItemOptions options;
  Command command(
      name,
      purpose("Brings one item of the replica in line with the primary: puts or deletes it there "
              "if the two are not equivalent. Safe while a replicator runs and the primary is "
              "written to. What an interrupted run of this pair left is finished first."),
      kReplicateRecordExamples);
  add_item(command.app(), options);
  command.app().add_option("--state", options.state,
                           "directory of local state (where keys are noted before they are "
                           "written; $XDG_STATE_HOME/dynamodb-replicator, else "
                           "~/.local/state/dynamodb-replicator)");
  command.app().add_option("--leases", options.pair.leases,
                           "name of the lease table, beside the replica, of a replicator that may "
                           "be running (<replica table>-leases)");
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  os::Outside outside(command.log_form(), command.log_level());
  return outside.run(bring_in_line(name, outside.doors(), std::move(options)));
}

}  // namespace dynamodb_replicator::cli
