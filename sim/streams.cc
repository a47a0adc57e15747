#include "sim/streams.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr Duration kIteratorLife = 15min;
constexpr std::int64_t kPageMax = 1000;

std::string literal(std::string_view text) { return base::to_json_string(text); }

ServiceError not_found() {
  return {"ResourceNotFoundException", "Requested resource not found: Shard or stream"};
}

ServiceError trimmed() {
  return {"TrimmedDataAccessException",
          "The operation attempted to read past the oldest stream record in a shard."};
}

}  // namespace

TableStream::TableStream(World& world, Table& table, const std::string& table_arn,
                         std::size_t shards, int number)
    : world_(world),
      table_(table),
      prng_(world.part("stream " + table.name() + std::to_string(number))),
      hasty_prng_(world.part("stream " + table.name() + std::to_string(number) + ", in haste")),
      label_("2030-01-01T00:00:00.00" + std::to_string(number)),
      arn_(table_arn + "/stream/" + label_) {
  const std::uint64_t width = UINT64_MAX / shards;
  for (std::size_t i = 0; i < shards; ++i) {
    add("", i * width, i + 1 == shards ? UINT64_MAX : (i + 1) * width - 1);
  }
  table_.watch([this](const Table::Change& change) { append(change); });
}

TableStream::Shard& TableStream::add(const std::string& parent, std::uint64_t low,
                                     std::uint64_t high) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(world_.wall().time_since_epoch())
          .count();
  char id[64];
  std::snprintf(id, sizeof id, "shardId-%020lld-%08llx", static_cast<long long>(millis),
                static_cast<unsigned long long>(prng_.next() >> 32U));
  Shard& shard = shards_.emplace_back();
  shard.id = id;
  shard.parent = parent;
  shard.low = low;
  shard.high = high;
  shard.first = next_number_++;
  shard.born = world_.now();
  if (!parent.empty() && world_.faults().strikes(Fault::hidden_child)) {
    shard.listed_from = world_.now() + between(prng_, 100ms, 8s);
  }
  world_.trace("stream", "shard", shard.id + " of " + parent);
  if (watcher_ != nullptr && !parent.empty()) watcher_->shard_born(shard.id, {parent});
  return shard;
}

std::size_t TableStream::open_shards() const {
  return static_cast<std::size_t>(
      std::count_if(shards_.begin(), shards_.end(), [](const Shard& s) { return !s.closed; }));
}

TableStream::Shard* TableStream::pick_open() {
  std::size_t index = prng_.below(open_shards());
  for (Shard& shard : shards_) {
    if (!shard.closed && index-- == 0) return &shard;
  }
  return nullptr;
}

void TableStream::end(Shard& shard) {
  shard.closed = true;
  shard.closed_at = world_.now();
  ++reshards_;
  if (world_.faults().strikes(Fault::open_parent))
    shard.shown_closed_from = world_.now() + between(prng_, 100ms, 8s);
}

void TableStream::rotate() {
  Shard& parent = *pick_open();
  end(parent);
  add(parent.id, parent.low, parent.high);
}

void TableStream::split() {
  Shard& parent = *pick_open();
  if (parent.high - parent.low < 2) return;
  end(parent);
  const std::uint64_t middle = parent.low + (parent.high - parent.low) / 2;
  add(parent.id, parent.low, middle);
  add(parent.id, middle + 1, parent.high);
}

void TableStream::hasten() {
  Shard& child = shards_.back();
  child.listed_from = world_.now() + between(hasty_prng_, 4s, 10s);
  world_.after(between(hasty_prng_, 20ms, 3s), [this, &child] {
    if (child.closed || !enabled_) return;
    end(child);
    add(child.id, child.low, child.high);
  });
}

void TableStream::trim(Duration retention) {
  for (Shard& shard : shards_) {
    const auto& records = shard.records;
    const std::size_t before = shard.trimmed;
    while (shard.trimmed < records.size() && records[shard.trimmed].at + retention < world_.now()) {
      ++shard.trimmed;
    }
    shard.gone = shard.closed && shard.trimmed == records.size() &&
                 shard.closed_at + retention < world_.now();
    if (watcher_ == nullptr) continue;
    if (shard.gone) watcher_->trimmed(shard.id, "");
    if (shard.trimmed > before) {
      watcher_->trimmed(shard.id, sequence_text("", records[shard.trimmed - 1].number));
    }
  }
}

void TableStream::disable() {
  enabled_ = false;
  for (Shard& shard : shards_) {
    if (!shard.closed) end(shard);
  }
}

bool TableStream::is_asked(Json request) const {
  const bool gone = !enabled_ && std::all_of(shards_.begin(), shards_.end(),
                                             [](const Shard& shard) { return shard.gone; });
  if (gone) return false;
  const auto iterator = text(request, "ShardIterator");
  return iterator ? iterator->starts_with(arn_ + "|") : text(request, "StreamArn") == arn_;
}

TableStream::Shard* TableStream::find(std::string_view id) {
  for (Shard& shard : shards_) {
    if (shard.id == id && !shard.gone) return &shard;
  }
  return nullptr;
}

void TableStream::append(const Table::Change& change) {
  if (!enabled_) return;
  const std::uint64_t hash = base::digest128(change.key).high;
  for (Shard& shard : shards_) {
    if (shard.closed || hash < shard.low || hash > shard.high) continue;
    const std::uint64_t number = next_number_;
    next_number_ += 1 + prng_.below(30);
    const char* name = change.before == nullptr  ? "INSERT"
                       : change.after == nullptr ? "REMOVE"
                                                 : "MODIFY";
    const auto second =
        std::chrono::duration_cast<std::chrono::seconds>(world_.wall().time_since_epoch()).count();
    shard.records.push_back(
        {number, world_.now(),
         R"({"eventID":")" + std::to_string(number) + R"(","eventName":")" + name +
             R"(","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1","dynamodb":)" +
             R"({"ApproximateCreationDateTime":)" + std::to_string(second) + R"(,"Keys":)" +
             item_json(change.key_item, prng_) + R"(,"SequenceNumber":")" +
             sequence_text("", number) + R"(","SizeBytes":26,"StreamViewType":"KEYS_ONLY"}})"});
    if (watcher_ != nullptr)
      watcher_->emitted({shard.id, sequence_text("", number), change.key, change.number});
    return;
  }
  INVARIANT(false, "every key has an open shard");
}

Answer TableStream::call(std::string_view operation, Json request) {
  if (operation == "DescribeStream") return describe(request);
  if (operation == "GetShardIterator") return iterator(request);
  if (operation == "GetRecords") return records(request);
  return ServiceError{"UnknownOperationException", std::string(operation)};
}

// A shard with a parent may come and go in listings for some time, but not for longer than anybody
// can be asked to put up with.
bool TableStream::is_listed(const Shard& shard) {
  constexpr Duration kFlickers = 8s;
  if (shard.gone || world_.now() < shard.listed_from) return false;
  return shard.parent.empty() || world_.now() > shard.born + kFlickers ||
         !world_.faults().strikes(Fault::flickering_listing);
}

Answer TableStream::describe(Json request) {
  if (text(request, "StreamArn") != arn_) return not_found();
  if (member(request, "ShardFilter")) return validation("the simulator does not know ShardFilter");
  const auto after = text(request, "ExclusiveStartShardId");
  const auto limit = std::min<std::int64_t>(integer(request, "Limit").value_or(100),
                                            1 + static_cast<std::int64_t>(prng_.below(4)));
  std::string shards;
  std::string last;
  std::int64_t count = 0;
  bool more = false;
  bool skipping = after.has_value();
  for (const Shard& shard : shards_) {
    if (skipping) {
      skipping = shard.id != *after;
      continue;
    }
    if (!is_listed(shard)) continue;
    if (count == limit) {
      more = true;
      break;
    }
    ++count;
    last = shard.id;
    shards +=
        (shards.empty() ? "" : ",") +
        (R"({"ShardId":")" + shard.id + R"(","SequenceNumberRange":{"StartingSequenceNumber":")") +
        sequence_text("", shard.first) + "\"";
    if (shard.closed && world_.now() >= shard.shown_closed_from) {
      const std::uint64_t end = shard.records.empty() ? shard.first : shard.records.back().number;
      shards += R"(,"EndingSequenceNumber":")" + sequence_text("", end) + "\"";
    }
    shards +=
        "}" +
        (shard.parent.empty() ? std::string() : R"(,"ParentShardId":")" + shard.parent + "\"") +
        "}";
  }
  return R"({"StreamDescription":{"StreamArn":)" + literal(arn_) + R"(,"StreamLabel":)" +
         literal(label_) + R"(,"StreamStatus":")" + (enabled_ ? "ENABLED" : "DISABLED") +
         R"(","StreamViewType":"KEYS_ONLY","CreationRequestDateTime":1893456000.0,"TableName":)" +
         literal(table_.name()) + R"(,"KeySchema":[],"Shards":[)" + shards + "]" +
         (more ? R"(,"LastEvaluatedShardId":")" + last + "\"" : std::string()) + "}}";
}

Answer TableStream::iterator(Json request) {
  Shard* shard = find(text(request, "ShardId").value_or(""));
  if (text(request, "StreamArn") != arn_ || shard == nullptr) return not_found();
  const auto type = text(request, "ShardIteratorType").value_or("");
  Iterator out{shard->id, shard->trimmed, world_.now() + kIteratorLife};
  if (type == "LATEST") {
    out.next = shard->records.size();
  } else if (type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER") {
    const auto number = parse_sequence("", text(request, "SequenceNumber").value_or(""));
    if (!number) return validation("Invalid SequenceNumber");
    const std::uint64_t from = *number + (type.starts_with("AFTER") ? 1 : 0);
    if (shard->trimmed > 0 && from <= shard->records[shard->trimmed - 1].number + 1)
      return trimmed();
    while (out.next < shard->records.size() && shard->records[out.next].number < from) ++out.next;
  } else if (type != "TRIM_HORIZON") {
    return validation("unknown ShardIteratorType");
  }
  return R"({"ShardIterator":)" + literal(arn_ + "|1|" + to_text(out)) + "}";
}

Answer TableStream::records(Json request) {
  const std::string given(text(request, "ShardIterator").value_or(""));
  const auto position = parse_iterator(given.substr(given.rfind('|') + 1));
  Shard* shard = position ? find(position->shard) : nullptr;
  if (shard == nullptr) return validation("Invalid ShardIterator");
  if (world_.now() > position->expires || world_.faults().strikes(Fault::expired_iterator)) {
    return ServiceError{"ExpiredIteratorException", "The shard iterator is expired."};
  }
  if (position->next < shard->trimmed) return trimmed();
  const auto limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(integer(request, "Limit").value_or(kPageMax), 1, kPageMax));
  Iterator next{shard->id, position->next, world_.now() + kIteratorLife};
  std::string out;
  if (next.next == shard->records.size() || !world_.faults().strikes(Fault::empty_page)) {
    const std::size_t most = std::min<std::size_t>(limit, 1 + prng_.below(60));
    for (std::size_t i = 0; i < most && next.next < shard->records.size(); ++i) {
      out += (out.empty() ? "" : ",") + shard->records[next.next++].json;
    }
  }
  if (watcher_ != nullptr) {
    watcher_->page_read(shard->id, next.next == 0
                                       ? std::string()
                                       : sequence_text("", shard->records[next.next - 1].number));
  }
  const bool ended = shard->closed && next.next == shard->records.size();
  return R"({"Records":[)" + out + "]" +
         (ended ? std::string()
                : R"(,"NextShardIterator":)" + literal(arn_ + "|1|" + to_text(next))) +
         "}";
}

}  // namespace dynamodb_replicator::sim
