#include "app/pair.h"

#include <utility>

namespace dynamodb_replicator::app {

Failure unreachable(Failure failure, const std::string& role, const Side& side) {
  failure.operation = "the " + role + " " + side.where;
  if (failure.hint.empty() && failure.code.empty()) {
    failure.hint = "Is the endpoint right, and does something answer there?";
  }
  return failure;
}

Failure missing_table(const std::string& role, const Side& side, std::string hint) {
  return misconfigured("the " + role + " table " + side.where + " does not exist", std::move(hint));
}

Result<Side> connect_table(async::Doors& doors, const std::string& role, const std::string& text,
                           const std::string& profile, const std::string& region) {
  Result<aws::Location> location = aws::parse_table(text);
  if (!location) {
    Failure failure = std::move(location).error();
    failure.operation = role;
    return failure;
  }
  if (location->region.empty()) location->region = region;
  return connect(doors, role, *location, aws::Service::dynamodb, profile);
}

Result<void> refuse_same_place(const Side& primary, const Side& replica) {
  const auto key = [](const Side& of) {
    Result<aws::CredentialsRef> credentials = of.credentials->get();
    return credentials ? (*credentials)->access_key : std::string();
  };
  if (aws::same_place({primary.location, primary.endpoint, key(primary)},
                      {replica.location, replica.endpoint, key(replica)})) {
    return misconfigured("primary and replica are the same table: " + primary.where);
  }
  return {};
}

void say_placeholders_once(async::Doors& doors, std::initializer_list<const Side*> sides) {
  for (const Side* side : sides) {
    const Result<aws::CredentialsRef> used = side->credentials->get();
    if (!used || !(*used)->placeholder) continue;
    doors.log.info(
        "no AWS credentials are set: requests to local endpoints are signed with placeholders",
        {{"endpoint", side->endpoint.url()}});
    return;
  }
}

async::Task<Result<wire::TableDescription>> describe_table(async::Doors& doors, aws::Client& client,
                                                           const Side& side) {
  const std::string body = wire::describe_table_request(side.location.name);
  Result<std::string> answer = co_await persist<std::string>(
      doors, doors.clock.now() + kPreflightFor,
      [&](Instant deadline) { return client.call("DescribeTable", body, deadline, false); });
  if (!answer) co_return std::move(answer).error();
  co_return wire::decode_describe_table(std::move(*answer));
}

Result<void> refuse_misfits(const Side& primary, const wire::TableDescription& primary_table,
                            const Side& replica, const wire::TableDescription& replica_table) {
  if (primary_table.schema != replica_table.schema) {
    return misconfigured("the key schemas differ: the primary has " +
                             item::to_text(primary_table.schema) + ", the replica " +
                             item::to_text(replica_table.schema),
                         "A replica must have the primary's key schema.");
  }
  const bool same_arn = !primary_table.arn.empty() && primary_table.arn == replica_table.arn &&
                        primary.endpoint == replica.endpoint;
  if (same_arn) return misconfigured("primary and replica are the same table: " + primary.where);
  return {};
}

async::Task<Result<Pair>> open_pair(async::Doors& doors, PairOptions options) {
  Pair pair;
  Result<Side> primary =
      connect_table(doors, "primary", options.primary, options.primary_profile, {});
  if (!primary) co_return std::move(primary).error();
  pair.primary = std::move(*primary);
  Result<Side> replica =
      connect_table(doors, "replica", options.replica, options.replica_profile, {});
  if (!replica) co_return std::move(replica).error();
  pair.replica = std::move(*replica);
  if (auto two = refuse_same_place(pair.primary, pair.replica); !two)
    co_return std::move(two).error();
  say_placeholders_once(doors, {&pair.primary, &pair.replica});
  pair.primary_client = make_client(doors, pair.primary, aws::Service::dynamodb);
  pair.replica_client = make_client(doors, pair.replica, aws::Service::dynamodb);
  const std::string hint =
      "Check its name and region, and which account the credentials belong to.";
  Result<wire::TableDescription> described =
      co_await describe_table(doors, *pair.primary_client, pair.primary);
  if (!described) {
    const bool missing = described.error().kind == FailureKind::not_found;
    co_return missing ? missing_table("primary", pair.primary, hint)
                      : unreachable(std::move(described).error(), "primary", pair.primary);
  }
  pair.primary_table = std::move(*described);
  Result<wire::TableDescription> other =
      co_await describe_table(doors, *pair.replica_client, pair.replica);
  if (!other) {
    const bool missing = other.error().kind == FailureKind::not_found;
    co_return missing ? missing_table("replica", pair.replica, hint)
                      : unreachable(std::move(other).error(), "replica", pair.replica);
  }
  pair.replica_table = std::move(*other);
  Result<void> fit =
      refuse_misfits(pair.primary, pair.primary_table, pair.replica, pair.replica_table);
  if (!fit) co_return std::move(fit).error();
  if (!pair.primary_table.arn.empty()) pair.primary.identity = pair.primary_table.arn;
  if (!pair.replica_table.arn.empty()) pair.replica.identity = pair.replica_table.arn;
  co_return pair;
}

}  // namespace dynamodb_replicator::app
