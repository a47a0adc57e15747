#include "sim/kinesis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr Duration kIteratorLife = 5min;
constexpr std::string_view kPrefix = "4959033827149025660855969253836157";
__extension__ using Uint128 = unsigned __int128;

std::string literal(std::string_view text) { return base::to_json_string(text); }

std::string decimal(Uint128 value) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value > 0);
  return out;
}

std::string range_json(std::uint64_t low, std::uint64_t high) {
  const Uint128 from = static_cast<Uint128>(low) << 64U;
  const Uint128 to = (static_cast<Uint128>(high) << 64U) | UINT64_MAX;
  return R"("HashKeyRange":{"StartingHashKey":")" + decimal(from) + R"(","EndingHashKey":")" +
         decimal(to) + "\"}";
}

std::uint64_t hash_of(const std::string& partition_key) {
  std::uint64_t out = 0;
  for (const char c : base::md5(partition_key).substr(0, 8))
    out = (out << 8U) | static_cast<unsigned char>(c);
  return out;
}

ServiceError not_found() {
  return {"ResourceNotFoundException", "Stream or shard under account 000000000000 not found."};
}

std::string seconds_text(std::int64_t millis) {
  char out[40];
  std::snprintf(out, sizeof out, "%lld.%03lld", static_cast<long long>(millis / 1000),
                static_cast<long long>(millis % 1000));
  return out;
}

}  // namespace

Kinesis::Kinesis(World& world, std::string name, std::size_t shards)
    : world_(world),
      prng_(world.part("kinesis " + name)),
      hasty_prng_(world.part("kinesis " + name + ", in haste")),
      name_(std::move(name)),
      arn_("arn:aws:kinesis:us-east-1:000000000000:stream/" + name_) {
  const std::uint64_t width = UINT64_MAX / shards;
  for (std::size_t i = 0; i < shards; ++i) {
    add({}, i * width, i + 1 == shards ? UINT64_MAX : (i + 1) * width - 1);
  }
}

Kinesis::Shard& Kinesis::add(const std::vector<Shard*>& parents, std::uint64_t low,
                             std::uint64_t high) {
  char id[40];
  std::snprintf(id, sizeof id, "shardId-%012zu", shards_.size());
  Shard& shard = shards_.emplace_back();
  shard.id = id;
  shard.low = low;
  shard.high = high;
  shard.first = next_number_++;
  shard.born = world_.now();
  for (Shard* parent : parents) {
    parent->closed = true;
    parent->closed_at = world_.now();
    parent->children.push_back(shard.id);
    shard.parents.push_back(parent->id);
    world_.trace("kinesis", "child", shard.id + " of " + parent->id);
  }
  if (watcher_ != nullptr && !parents.empty()) watcher_->shard_born(shard.id, shard.parents);
  if (!parents.empty() && world_.faults().strikes(Fault::hidden_child)) {
    shard.listed_from = world_.now() + between(prng_, 100ms, 8s);
  }
  return shard;
}

std::vector<Kinesis::Shard*> Kinesis::open() {
  std::vector<Shard*> out;
  for (Shard& shard : shards_) {
    if (!shard.closed) out.push_back(&shard);
  }
  std::sort(out.begin(), out.end(), [](const Shard* a, const Shard* b) { return a->low < b->low; });
  return out;
}

std::size_t Kinesis::open_shards() const {
  return static_cast<std::size_t>(
      std::count_if(shards_.begin(), shards_.end(), [](const Shard& s) { return !s.closed; }));
}

void Kinesis::split() {
  const auto candidates = open();
  Shard* parent = candidates[prng_.below(candidates.size())];
  if (parent->high - parent->low < 2) return;
  ++reshards_;
  const std::uint64_t middle = parent->low + (parent->high - parent->low) / 2;
  add({parent}, parent->low, middle);
  add({parent}, middle + 1, parent->high);
}

void Kinesis::hasten() {
  Shard& child = shards_.back();
  child.listed_from = world_.now() + between(hasty_prng_, 4s, 10s);
  world_.after(between(hasty_prng_, 20ms, 3s), [this, &child] {
    if (child.closed || child.high - child.low < 2) return;
    ++reshards_;
    const std::uint64_t middle = child.low + (child.high - child.low) / 2;
    add({&child}, child.low, middle);
    add({&child}, middle + 1, child.high);
  });
}

void Kinesis::merge() {
  const auto candidates = open();
  if (candidates.size() < 2) return;
  ++reshards_;
  const std::size_t left = prng_.below(candidates.size() - 1);
  add({candidates[left], candidates[left + 1]}, candidates[left]->low, candidates[left + 1]->high);
}

void Kinesis::put(const std::string& partition_key, const std::string& data, const std::string& key,
                  std::size_t version) {
  const std::uint64_t hash = hash_of(partition_key);
  for (Shard& shard : shards_) {
    if (shard.closed || hash < shard.low || hash > shard.high) continue;
    const std::uint64_t number = next_number_;
    next_number_ += 1 + prng_.below(30);
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(world_.wall());
    shard.records.push_back(
        {number, world_.now(), millis.time_since_epoch().count(), partition_key, data});
    world_.trace("kinesis", "record", shard.id + " " + std::to_string(number));
    if (watcher_ != nullptr)
      watcher_->emitted({shard.id, sequence_text(kPrefix, number), key, version});
    return;
  }
  INVARIANT(false, "every partition key has an open shard");
}

void Kinesis::trim() {
  for (Shard& shard : shards_) {
    const auto& records = shard.records;
    const std::size_t before = shard.trimmed;
    while (shard.trimmed < records.size() &&
           records[shard.trimmed].at + kRetention < world_.now()) {
      ++shard.trimmed;
    }
    shard.gone = shard.closed && shard.trimmed == records.size() &&
                 shard.closed_at + kRetention < world_.now();
    if (watcher_ == nullptr) continue;
    if (shard.gone) watcher_->trimmed(shard.id, "");
    if (shard.trimmed > before) {
      watcher_->trimmed(shard.id, sequence_text(kPrefix, records[shard.trimmed - 1].number));
    }
  }
}

Kinesis::Shard* Kinesis::find(std::string_view id) {
  for (Shard& shard : shards_) {
    if (shard.id == id && !shard.gone) return &shard;
  }
  return nullptr;
}

bool Kinesis::named(Json request) const {
  return text(request, "StreamName") == name_ || text(request, "StreamARN") == arn_;
}

Answer Kinesis::call(std::string_view operation, Json request) {
  if (operation == "DescribeStreamSummary") return named(request) ? summary() : not_found();
  if (operation == "ListShards") return list(request);
  if (operation == "GetShardIterator") return named(request) ? iterator(request) : not_found();
  if (operation == "GetRecords") return records(request);
  return ServiceError{"UnknownOperationException", std::string(operation)};
}

Answer Kinesis::summary() const {
  return R"({"StreamDescriptionSummary":{"StreamName":)" + literal(name_) + R"(,"StreamARN":)" +
         literal(arn_) +
         R"(,"StreamStatus":"ACTIVE","RetentionPeriodHours":24,"StreamCreationTimestamp":1893456000.0,"OpenShardCount":)" +
         std::to_string(open_shards()) +
         R"(,"EnhancedMonitoring":[{"ShardLevelMetrics":[]}],"EncryptionType":"NONE","ConsumerCount":0}})";
}

bool Kinesis::is_listed(const Shard& shard) {
  constexpr Duration kFlickers = 8s;
  if (shard.gone || world_.now() < shard.listed_from) return false;
  return shard.parents.empty() || world_.now() > shard.born + kFlickers ||
         !world_.faults().strikes(Fault::flickering_listing);
}

Answer Kinesis::list(Json request) {
  const auto token = text(request, "NextToken");
  const bool names = member(request, "StreamName") || member(request, "StreamARN");
  if (token.has_value() == names)
    return ServiceError{"InvalidArgumentException", "NextToken or StreamName"};
  if (names && !named(request)) return not_found();
  if (member(request, "ShardFilter") || member(request, "ExclusiveStartShardId")) {
    return ServiceError{"InvalidArgumentException", "the simulator does not know this filter"};
  }
  std::size_t start = 0;
  if (token) {
    const auto position = parse_iterator(*token);
    if (!position) return ServiceError{"InvalidArgumentException", "Invalid NextToken"};
    if (world_.now() > position->expires)
      return ServiceError{"ExpiredNextTokenException", "NextToken is expired"};
    start = position->next;
  }
  const std::size_t limit = std::min<std::size_t>(
      static_cast<std::size_t>(integer(request, "MaxResults").value_or(1000)), 1 + prng_.below(4));
  std::string out;
  std::size_t i = start;
  for (std::size_t count = 0; i < shards_.size() && count < limit; ++i) {
    const Shard& shard = shards_[i];
    if (!is_listed(shard)) continue;
    ++count;
    out += (out.empty() ? "" : ",") +
           (R"({"ShardId":")" + shard.id + "\"," + range_json(shard.low, shard.high)) +
           R"(,"SequenceNumberRange":{"StartingSequenceNumber":")" +
           sequence_text(kPrefix, shard.first) + "\"";
    if (shard.closed) {
      out += R"(,"EndingSequenceNumber":")" +
             sequence_text(kPrefix,
                           shard.records.empty() ? shard.first : shard.records.back().number) +
             "\"";
    }
    out += "}";
    if (!shard.parents.empty()) out += R"(,"ParentShardId":")" + shard.parents[0] + "\"";
    if (shard.parents.size() > 1) out += R"(,"AdjacentParentShardId":")" + shard.parents[1] + "\"";
    out += "}";
  }
  const std::string next =
      i < shards_.size() ? R"(,"NextToken":)" + literal(to_text({"list", i, world_.now() + 300s}))
                         : std::string();
  return R"({"Shards":[)" + out + "]" + next + "}";
}

Answer Kinesis::iterator(Json request) {
  Shard* shard = find(text(request, "ShardId").value_or(""));
  if (shard == nullptr) return not_found();
  const auto type = text(request, "ShardIteratorType").value_or("");
  const auto& records = shard->records;
  Iterator out{shard->id, shard->trimmed, world_.now() + kIteratorLife};
  if (type == "LATEST") {
    out.next = records.size();
  } else if (type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER") {
    const auto number =
        parse_sequence(kPrefix, text(request, "StartingSequenceNumber").value_or(""));
    if (!number) return ServiceError{"InvalidArgumentException", "Invalid StartingSequenceNumber"};
    const std::uint64_t from = *number + (type.starts_with("AFTER") ? 1 : 0);
    while (out.next < records.size() && records[out.next].number < from) ++out.next;
  } else if (type == "AT_TIMESTAMP") {
    double time = 0;
    if (request["Timestamp"].get(time) != simdjson::SUCCESS)
      return ServiceError{"InvalidArgumentException", "Timestamp"};
    const std::int64_t millis = std::llround(time * 1000);
    while (out.next < records.size() && records[out.next].millis < millis) ++out.next;
  } else if (type != "TRIM_HORIZON") {
    return ServiceError{"InvalidArgumentException", "unknown ShardIteratorType"};
  }
  return R"({"ShardIterator":)" + literal(to_text(out)) + "}";
}

bool Kinesis::too_often(Shard& shard) {
  Duration& oldest = shard.reads[shard.next_read];
  if (world_.now() - oldest < 1s) {
    ++refused_reads_;
    return true;
  }
  oldest = world_.now();
  shard.next_read = (shard.next_read + 1) % shard.reads.size();
  return false;
}

Answer Kinesis::records(Json request) {
  const auto position = parse_iterator(text(request, "ShardIterator").value_or(""));
  Shard* shard = position ? find(position->shard) : nullptr;
  if (shard == nullptr) return ServiceError{"InvalidArgumentException", "Invalid ShardIterator"};
  if (world_.now() > position->expires || world_.faults().strikes(Fault::expired_iterator)) {
    return ServiceError{"ExpiredIteratorException", "Iterator expired."};
  }
  if (too_often(*shard))
    return ServiceError{"ProvisionedThroughputExceededException",
                        "Rate exceeded for shard " + shard->id};
  const auto limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(integer(request, "Limit").value_or(10'000), 1, 10'000));
  Iterator next{shard->id, std::max(position->next, shard->trimmed), world_.now() + kIteratorLife};
  std::string out;
  if (next.next == shard->records.size() || !world_.faults().strikes(Fault::empty_page)) {
    const std::size_t most = std::min<std::size_t>(limit, 1 + prng_.below(60));
    for (std::size_t i = 0; i < most && next.next < shard->records.size(); ++i) {
      const Record& record = shard->records[next.next++];
      out += (out.empty() ? "" : ",") +
             (R"({"SequenceNumber":")" + sequence_text(kPrefix, record.number)) +
             R"(","ApproximateArrivalTimestamp":)" + seconds_text(record.millis) + R"(,"Data":")" +
             base::to_base64(record.data) + R"(","PartitionKey":)" + literal(record.partition_key) +
             "}";
    }
  }
  if (watcher_ != nullptr) {
    watcher_->page_read(
        shard->id, next.next == 0 ? std::string()
                                  : sequence_text(kPrefix, shard->records[next.next - 1].number));
  }
  const bool all = next.next == shard->records.size();
  const auto behind = all ? Duration{0} : world_.now() - shard->records[next.next].at;
  std::string tail = R"(],"MillisBehindLatest":)" + std::to_string(behind.count() / 1'000'000);
  if (!all || !shard->closed) {
    tail += R"(,"NextShardIterator":)" + literal(to_text(next));
  } else {
    std::string children;
    for (const std::string& id : shard->children) {
      const Shard& child = *find(id);
      std::string parents;
      for (const std::string& parent : child.parents)
        parents += (parents.empty() ? "\"" : ",\"") + parent + "\"";
      children += (children.empty() ? "" : ",") +
                  (R"({"ShardId":")" + id + R"(","ParentShards":[)" + parents + "],") +
                  range_json(child.low, child.high) + "}";
    }
    tail += R"(,"ChildShards":[)" + children + "]";
  }
  return R"({"Records":[)" + out + tail + "}";
}

}  // namespace dynamodb_replicator::sim
