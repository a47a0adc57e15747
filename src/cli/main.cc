// Finds the command: by the name the program was called by (links), or by the first argument.
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace {

using dynamodb_replicator::cli::Arguments;

struct Entry {
  std::string_view name;
  std::string_view purpose;
  int (*run)(const std::string& name, Arguments arguments);
};

constexpr std::array<Entry, 7> kCommands = {{
    {"replicate", "keep a replica table equal to its primary, until stopped",
     dynamodb_replicator::cli::replicate},
    {"launch-kinesis-cluster",
     "the same from a Kinesis stream, started the way the Node library was",
     dynamodb_replicator::cli::launch_kinesis_cluster},
    {"diff-tables", "compare two tables, and make the replica equal to the primary",
     dynamodb_replicator::cli::diff_tables},
    {"diff-record", "show one item as both tables have it, and where the two differ",
     dynamodb_replicator::cli::diff_record},
    {"replicate-record", "bring one item of the replica in line with the primary",
     dynamodb_replicator::cli::replicate_record},
    {"check", "look whether a pair would work, and what it would take; changes nothing",
     dynamodb_replicator::cli::check},
    {"leases", "show who reads which shard, and how far", dynamodb_replicator::cli::leases},
}};

int help(std::ostream& out) {
  out << "Keeps a replica DynamoDB table equal to its primary.\n\n"
         "Usage: dynamodb-replicator COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Entry& entry : kCommands) {
    out << "  " << entry.name << std::string(26 - entry.name.size(), ' ') << entry.purpose << "\n";
  }
  out << "\n'dynamodb-replicator COMMAND --help' explains each.\n\nExamples:\n"
         "  dynamodb-replicator replicate us-east-1/orders eu-west-1/orders\n"
         "  dynamodb-replicator diff-tables us-east-1/orders eu-west-1/orders\n"
         "  dynamodb-replicator leases list eu-west-1/orders-leases\n";
  return 0;
}

const Entry* find(std::string_view name) {
  for (const Entry& entry : kCommands) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  std::string_view called = argc > 0 ? argv[0] : "dynamodb-replicator";
  called.remove_prefix(called.rfind('/') + 1);
  if (const Entry* linked = find(called)) return linked->run(std::string(called), arguments);
  if (arguments.empty()) {
    help(std::cerr);
    return 2;
  }
  const std::string first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return help(std::cout);
  if (first == "--version") {
    std::cout << "dynamodb-replicator " DYNAMODB_REPLICATOR_VERSION "\n";
    return 0;
  }
  arguments.erase(arguments.begin());
  if (const Entry* entry = find(first))
    return entry->run("dynamodb-replicator " + first, arguments);
  std::cerr << "dynamodb-replicator: '" << first
            << "' is not a command.\nTry 'dynamodb-replicator --help'.\n";
  return 2;
}
