// dynamodb-replicator check PRIMARY REPLICA
#include "app/check.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/pair_options.h"
#include "os/run.h"

namespace dynamodb_replicator::cli {
namespace {

constexpr const char* kCheckExamples =
    "Examples:\n"
    "  dynamodb-replicator check us-east-1/orders eu-west-1/orders\n"
    "  dynamodb-replicator check us-east-1/orders eu-west-1/orders --kinesis us-east-1/changes\n\n"
    "Exit status: 0 all is well; 2 something would not work; 130 interrupted.\n";

async::Task<int> print_points(std::string name, async::Doors& doors, app::CheckOptions options) {
  const std::vector<app::Point> points = co_await app::check(doors, std::move(options));
  bool all = true;
  std::string text;
  for (const app::Point& point : points) {
    const std::size_t width = std::max<std::size_t>(11, point.name.size() + 1);
    text += (point.ok ? "ok       " : "problem  ") + point.name +
            std::string(width - point.name.size(), ' ') + point.text + "\n";
    all = all && point.ok;
  }
  co_return print_result(name, text, all ? 0 : 2);
}

}  // namespace

int check(const std::string& name, Arguments arguments) {
  app::CheckOptions options;
  Command command(name,
                  std::string("Looks whether a pair of tables can be replicated and compared, and "
                              "what that would take and cost: one line a point, with the remedy "
                              "where something would not work. Changes nothing.\n\n") +
                      kLocations,
                  kCheckExamples);
  add_pair(command.app(), options.pair);
  command.app().add_option("--kinesis", options.kinesis,
                           "look at this Kinesis stream of change records (else: at the "
                           "primary's own DynamoDB Stream)");
  add_profiles(command.app(), options.pair);
  if (const std::optional<int> status = command.parse(std::move(arguments))) return *status;
  os::Outside outside(command.log_form(), command.log_level());
  return outside.run(print_points(name, outside.doors(), std::move(options)));
}

}  // namespace dynamodb_replicator::cli
