#include "app/lease_table.h"

#include "wire/fences.h"
#include "wire/items.h"
#include "wire/lease_rows.h"

namespace dynamodb_replicator::app {
async::Task<Result<wire::TableDescription>> LeaseTable::describe(Instant give_up) {
  const std::string body = wire::describe_table_request(table_);
  Result<std::string> answer = co_await persist<std::string>(
      doors_, give_up,
      [&](Instant deadline) { return client_.call("DescribeTable", body, deadline, false); });
  if (!answer) co_return std::move(answer).error();
  Result<wire::TableDescription> table = wire::decode_describe_table(std::move(*answer));
  if (!table) co_return about(std::move(table).error(), "DescribeTable", client_);
  co_return table;
}

async::Task<Result<wire::TableDescription>> LeaseTable::wait_active(Instant give_up) {
  for (;;) {
    Result<wire::TableDescription> table = co_await describe(give_up);
    // A table that was created a moment ago may not be found yet.
    const bool missing = !table && table.error().kind == FailureKind::not_found;
    if (!table && !missing) co_return std::move(table).error();
    if (table && (table->status == "ACTIVE" || table->status == "UPDATING")) co_return table;
    if (doors_.clock.now() >= give_up) {
      co_return misconfigured("the lease table " + client_.where() + " is " +
                                  (missing ? "missing" : table->status) +
                                  " and does not become active",
                              "Look at it in the console, then start again.");
    }
    co_await doors_.loop.sleep_until(doors_.clock.now() + 500ms);
  }
}

Failure LeaseTable::foreign(const item::KeySchema& schema) const {
  // Our key schema is no reason to refuse: then it was an item of another kind.
  const std::string other =
      "Give another table by --leases (launch-kinesis-cluster: --table); it is created if missing.";
  switch (wire::recognise_lease_table(schema, std::nullopt)) {
    case wire::LeaseTableKind::kcl:
      return misconfigured(
          "the table " + client_.where() + " is a lease table of the Kinesis Client Library",
          other);
    case wire::LeaseTableKind::node_library:
      return misconfigured(
          "the table " + client_.where() + " is a lease table of the Node kinesis-client-library",
          other);
    case wire::LeaseTableKind::ours:
      return misconfigured("the table " + client_.where() + " holds items that are no leases",
                           other);
    default:
      return misconfigured("the table " + client_.where() + " is no lease table: its key is " +
                               item::to_text(schema),
                           other);
  }
}

async::Task<Result<void>> LeaseTable::look(Instant give_up) {
  Result<wire::TableDescription> table = co_await describe(give_up);
  if (!table && table.error().kind == FailureKind::not_found) {
    co_return misconfigured("the lease table " + client_.where() + " does not exist",
                            "Check its name and region.");
  }
  if (!table) co_return std::move(table).error();
  if (wire::recognise_lease_table(table->schema, std::nullopt) != wire::LeaseTableKind::ours)
    co_return foreign(table->schema);
  co_return Result<void>{};
}

async::Task<Result<core::MetaRow>> LeaseTable::open(const core::MetaRow& meta,
                                                    wire::Capacity capacity, Instant give_up) {
  Result<wire::TableDescription> table =
      co_await describe(std::min(give_up, doors_.clock.now() + 6s));
  if (!table && table.error().kind == FailureKind::not_found) {
    const std::string body = wire::create_lease_table_request(table_, capacity);
    Result<std::string> created = co_await persist<std::string>(
        doors_, give_up,
        [&](Instant deadline) { return client_.call("CreateTable", body, deadline, true); });
    if (!created && created.error().code != "ResourceInUseException")
      co_return std::move(created).error();
    if (created) doors_.log.info("created the lease table", {{"table", client_.where()}});
    table = co_await wait_active(give_up);
  } else if (table && table->status != "ACTIVE" && table->status != "UPDATING") {
    table = co_await wait_active(give_up);
  }
  if (!table) co_return std::move(table).error();
  if (wire::recognise_lease_table(table->schema, std::nullopt) != wire::LeaseTableKind::ours)
    co_return foreign(table->schema);
  Result<void> leases = co_await check_sample(table->schema, give_up);
  if (!leases) co_return std::move(leases).error();
  if (meta.mode == "fenced") {
    // Before the first row: a table whose meta row says "fenced" is of no use with such an engine.
    Result<void> transactions = co_await probe_transactions(give_up);
    if (!transactions) co_return std::move(transactions).error();
  }
  co_return co_await check_meta(meta, give_up);
}

async::Task<Result<void>> LeaseTable::probe_transactions(Instant give_up) {
  const std::string body = wire::probe_transactions_request(table_);
  Result<std::string> answer = co_await persist<std::string>(
      doors_, give_up,
      [&](Instant deadline) { return client_.call("TransactWriteItems", body, deadline, false); });
  if (answer) co_return Result<void>{};
  const Failure& failure = answer.error();
  if (failure.code == "UnknownOperationException" || failure.code == "UnknownOperation") {
    co_return misconfigured(
        "the engine of " + client_.where() + " does not know transactions, which fenced mode needs",
        "Use --mode fast with it.");
  }
  co_return failure;
}

// Before the first write into a table that has our key schema: are its items leases?
async::Task<Result<void>> LeaseTable::check_sample(const item::KeySchema& schema, Instant give_up) {
  const std::string body = wire::scan_request(table_, 1);
  Result<std::string> answer = co_await persist<std::string>(
      doors_, give_up,
      [&](Instant deadline) { return client_.call("Scan", body, deadline, false); });
  if (!answer) co_return std::move(answer).error();
  Result<wire::ItemsPage> page = wire::decode_items_page(std::move(*answer));
  if (!page) co_return about(std::move(page).error(), "Scan", client_);
  std::optional<std::string> sample;
  if (!page->items.empty()) sample = page->items.front();
  if (wire::recognise_lease_table(schema, sample) != wire::LeaseTableKind::ours)
    co_return foreign(schema);
  co_return Result<void>{};
}

async::Task<Result<std::optional<core::MetaRow>>> LeaseTable::meta(Instant deadline) {
  Result<std::string> answer =
      co_await client_.call("GetItem", wire::get_meta_row_request(table_), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<std::optional<std::string>> item = wire::decode_get_item(std::move(*answer));
  if (!item) co_return about(std::move(item).error(), "GetItem", client_);
  if (!*item) co_return std::optional<core::MetaRow>{};
  Result<core::MetaRow> row = wire::meta_row_from_item(**item);
  if (!row) {  // asking again would not mend it
    co_return misconfigured(
        "the meta row of the lease table " + client_.where() + " cannot be read",
        "Give another table by --leases (launch-kinesis-cluster: --table).");
  }
  co_return std::optional<core::MetaRow>(std::move(*row));
}

async::Task<Result<core::MetaRow>> LeaseTable::check_meta(const core::MetaRow& wanted,
                                                          Instant give_up) {
  const std::string body = wire::create_meta_row_request(table_, wanted);
  Result<std::string> created = co_await persist<std::string>(
      doors_, give_up,
      [&](Instant deadline) { return client_.call("PutItem", body, deadline, true); });
  if (created) co_return wanted;
  if (created.error().kind != FailureKind::condition_failed) co_return std::move(created).error();
  Result<std::optional<core::MetaRow>> stored = co_await persist<std::optional<core::MetaRow>>(
      doors_, give_up, [&](Instant deadline) { return meta(deadline); });
  if (!stored) co_return std::move(stored).error();
  if (!*stored)
    co_return misconfigured("the lease table " + client_.where() + " changes under our hands",
                            "Start again.");
  const core::MetaRow& found = **stored;
  const std::string other =
      "Give this replica a lease table of its own by --leases (launch-kinesis-cluster: --table).";
  if (found.format > wanted.format) {
    co_return misconfigured(
        "the lease table " + client_.where() + " was written by a newer version",
        "Use that version.");
  }
  if (found.primary != wanted.primary || found.replica != wanted.replica) {
    co_return misconfigured("the lease table " + client_.where() + " belongs to another replica: " +
                                found.primary + " to " + found.replica,
                            other);
  }
  if (found.mode != wanted.mode) {
    co_return misconfigured(
        "the workers of the lease table " + client_.where() + " run in " + found.mode + " mode",
        "Start with --mode " + found.mode + ", or stop them all and use another lease table.");
  }
  co_return found;
}

async::Task<Result<std::vector<core::ShardRow>>> LeaseTable::list(const std::string& stream,
                                                                  Instant deadline) {
  std::vector<core::ShardRow> rows;
  Result<std::string> read = co_await read_pages(rows, &stream, deadline);
  if (!read) co_return std::move(read).error();
  co_return rows;
}

async::Task<Result<std::vector<core::ShardRow>>> LeaseTable::all(Instant deadline) {
  std::vector<core::ShardRow> rows;
  Result<std::string> read = co_await read_pages(rows, nullptr, deadline);
  if (!read) co_return std::move(read).error();
  co_return rows;
}

// All pages of one stream's rows, or (no stream) of the whole table.
async::Task<Result<std::string>> LeaseTable::read_pages(std::vector<core::ShardRow>& rows,
                                                        const std::string* stream,
                                                        Instant deadline) {
  std::string last_key;
  for (;;) {
    std::string body = stream != nullptr ? wire::query_shard_rows_request(table_, *stream, last_key)
                                         : wire::scan_rows_request(table_, last_key);
    Result<std::string> answer = co_await client_.call(stream != nullptr ? "Query" : "Scan",
                                                       std::move(body), deadline, false);
    if (!answer) co_return std::move(answer).error();
    const char* operation = stream != nullptr ? "Query" : "Scan";
    Result<wire::ItemsPage> page = wire::decode_items_page(std::move(*answer));
    if (!page) co_return about(std::move(page).error(), operation, client_);
    for (const std::string& item : page->items) {
      if (!wire::is_shard_row(item)) continue;
      Result<core::ShardRow> row = wire::shard_row_from_item(item);
      if (!row) co_return about(std::move(row).error(), operation, client_);
      rows.push_back(std::move(*row));
    }
    if (!page->last_key) co_return std::string();
    last_key = *page->last_key;
  }
}

async::Task<Result<std::optional<core::ShardRow>>> LeaseTable::get(const std::string& stream,
                                                                   const std::string& shard,
                                                                   Instant deadline) {
  Result<std::string> answer = co_await client_.call(
      "GetItem", wire::get_shard_row_request(table_, stream, shard), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<std::optional<std::string>> item = wire::decode_get_item(std::move(*answer));
  if (!item) co_return about(std::move(item).error(), "GetItem", client_);
  if (!*item) co_return std::optional<core::ShardRow>{};
  Result<core::ShardRow> row = wire::shard_row_from_item(**item);
  if (!row) co_return about(std::move(row).error(), "GetItem", client_);
  co_return std::optional<core::ShardRow>(std::move(*row));
}

// One conditional write; its answer has nothing that we need.
async::Task<Result<void>> LeaseTable::write(const char* operation, std::string body,
                                            Instant deadline) {
  Result<std::string> answer = co_await client_.call(operation, std::move(body), deadline, true);
  if (!answer) co_return std::move(answer).error();
  co_return Result<void>{};
}

async::Task<Result<void>> LeaseTable::create(const core::ShardRow& row, Instant deadline) {
  co_return co_await write("PutItem", wire::create_shard_row_request(table_, row), deadline);
}

async::Task<Result<void>> LeaseTable::replace(const core::ShardRow& row,
                                              const std::string& expected, Instant deadline) {
  co_return co_await write("UpdateItem", wire::replace_shard_row_request(table_, row, expected),
                           deadline);
}

async::Task<Result<void>> LeaseTable::raise_fence(const core::Fence& fence, Instant deadline) {
  co_return co_await write("UpdateItem", wire::raise_fence_request(table_, fence), deadline);
}

async::Task<Result<void>> LeaseTable::bump_fence(const core::Fence& fence, Instant deadline) {
  co_return co_await write("UpdateItem", wire::bump_fence_request(table_, fence), deadline);
}

async::Task<Result<std::optional<core::Fence>>> LeaseTable::get_fence(const core::Fence& fence,
                                                                      Instant deadline) {
  Result<std::string> answer =
      co_await client_.call("GetItem", wire::get_fence_request(table_, fence), deadline, false);
  if (!answer) co_return std::move(answer).error();
  Result<std::optional<std::string>> item = wire::decode_get_item(std::move(*answer));
  if (!item) co_return about(std::move(item).error(), "GetItem", client_);
  if (!*item) co_return std::optional<core::Fence>{};
  Result<core::Fence> stored = wire::fence_from_item(fence, **item);
  if (!stored) co_return about(std::move(stored).error(), "GetItem", client_);
  co_return std::optional<core::Fence>(*stored);
}

}  // namespace dynamodb_replicator::app
