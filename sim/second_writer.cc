#include "sim/second_writer.h"

#include <algorithm>
#include <set>

namespace dynamodb_replicator::sim {
namespace {

// The only table of a batch.
std::optional<Json> only_table(Json body, std::string_view field) {
  simdjson::dom::object tables;
  if (body[field].get(tables) != simdjson::SUCCESS || tables.size() != 1) return std::nullopt;
  return (*tables.begin()).value;
}

std::vector<std::string> keys_in(const Table& table, Json batch) {
  std::vector<std::string> keys;
  simdjson::dom::array list;
  if (batch["Keys"].get(list) != simdjson::SUCCESS) return keys;
  for (const Json one : list) {
    const auto item = parse_item(one);
    if (!item) continue;
    if (const auto key = table.key_of(*item, true)) keys.push_back(*key);
  }
  return keys;
}

bool goes_back(const std::vector<std::shared_ptr<const Item>>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      if (same(values[i], values[j])) return true;
    }
  }
  return false;
}

}  // namespace

bool same(const std::shared_ptr<const Item>& a, const std::shared_ptr<const Item>& b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

std::vector<std::shared_ptr<const Item>> values_within(const Table& table, const std::string& key,
                                                       Duration from, Duration to) {
  std::vector<std::shared_ptr<const Item>> values;
  const auto& versions = table.history(key);
  for (std::size_t i = 0; i < versions.size() && versions[i].since <= to; ++i) {
    const bool replaced = i + 1 < versions.size() && versions[i + 1].since < from;
    if (!replaced) values.push_back(versions[i].item);
  }
  return values;
}

void SecondWriterChecker::sent(std::uint64_t number, const std::string& sender,
                               const std::string& operation, const async::HttpRequest& request,
                               Duration) {
  if (!sender.starts_with(machine_ + "@")) return;
  const std::size_t side = request.host == "primary.sim" ? 0 : 1;
  if (operation == "BatchGetItem") open_[number].side = side;
  if (operation != "PutItem" && operation != "DeleteItem") return;
  world_.expect(Invariant::looked_before_write, side == 1,
                [] { return "the second writer writes the primary"; });
  Json body;
  if (parser_.parse(request.body).get(body) == simdjson::SUCCESS)
    look_before_write(operation, body);
}

// What is put is what the primary had at the last look, which came after the last look at the
// replica; and a delete has seen absence twice.
void SecondWriterChecker::look_before_write(const std::string& operation, Json body) {
  const bool put = operation == "PutItem";
  const auto json = member(body, put ? "Item" : "Key");
  const auto item = json ? parse_item(*json) : Result<Item, ServiceError>(validation("none"));
  const auto key = item ? tables_[1]->key_of(*item, !put) : item.error();
  if (!key) return world_.fail("the second writer sent a write without a key");
  const std::vector<Look>& looks = looks_[*key];
  std::vector<const Look*> primary;
  for (std::size_t i = looks.size(); i > 0 && looks[i - 1].side == 0; --i)
    primary.push_back(&looks[i - 1]);
  const bool compared = primary.size() < looks.size();
  if (put) {
    const bool sound =
        compared && !primary.empty() && primary[0]->item && *primary[0]->item == *item;
    world_.expect(Invariant::looked_before_write, sound, [&] {
      return "an item was put that no consistent read of the primary had just shown: " + *key;
    });
    return;
  }
  const bool sound = compared && primary.size() >= 2 && !primary[0]->item && !primary[1]->item;
  world_.expect(Invariant::looked_before_write, sound, [&] {
    return "an item was deleted whose absence two consistent reads had not shown: " + *key;
  });
}

void SecondWriterChecker::applied(std::uint64_t number, const std::string&,
                                  const async::HttpRequest& request,
                                  const async::HttpResponse& response) {
  const auto open = open_.find(number);
  if (open == open_.end() || response.status != 200) return;
  Json body;
  Json answer;
  if (parser_.parse(request.body).get(body) != simdjson::SUCCESS ||
      answers_.parse(response.body).get(answer) != simdjson::SUCCESS) {
    return;
  }
  note(open->second, body, answer);
}

void SecondWriterChecker::note(Open& open, Json body, Json answer) {
  const auto asked = only_table(body, "RequestItems");
  if (!asked || !flag(*asked, "ConsistentRead")) return;
  const Table& table = *tables_[open.side];
  std::set<std::string> left;
  if (const auto unprocessed = only_table(answer, "UnprocessedKeys")) {
    for (std::string& key : keys_in(table, *unprocessed)) left.insert(std::move(key));
  }
  for (const std::string& key : keys_in(table, *asked)) {
    if (!left.contains(key))
      open.looks.emplace_back(key, Look{open.side, world_.now(), table.history(key).back().item});
  }
}

void SecondWriterChecker::over(std::uint64_t number, bool heard) {
  const auto open = open_.find(number);
  if (open == open_.end()) return;
  if (heard) {
    for (auto& [key, look] : open->second.looks) looks_[key].push_back(look);
  }
  open_.erase(open);
}

// No key is reported that was equal within the settle time: the replica held a value, since the
// last look less that time, that the primary had, too. But where the replica itself went back (a
// write that lands late) the program cannot have seen it.
void SecondWriterChecker::reported(std::string_view what, const std::string& key, Duration settle) {
  const auto found = looks_.find(key);
  if (found == looks_.end()) return;  // told again: its looks were another's
  std::optional<Look> last[2];
  for (const Look& look : found->second) last[look.side] = look;
  if (!last[0] || !last[1]) return world_.fail("one side was never looked at: " + key);
  const bool here = last[0]->item != nullptr;
  const bool there = last[1]->item != nullptr;
  const char* const truth = here && there ? "different" : here ? "missing" : "extraneous";
  const bool differs = !same(last[0]->item, last[1]->item);
  world_.expect(Invariant::comparison_true, differs && (what == truth || what == "changing"), [&] {
    return key + " was called " + std::string(what) + ", but the last look showed it " +
           (differs ? truth : "equal");
  });
  if (what == "changing") return;
  const Duration from = std::max(last[0]->at, last[1]->at) - settle;
  const Duration to = std::min(last[0]->at, last[1]->at);
  const auto primary = values_within(*tables_[0], key, from, to);
  const auto replica = values_within(*tables_[1], key, from, to);
  if (goes_back(replica)) return;
  for (const auto& value : replica) {
    const bool met = std::any_of(primary.begin(), primary.end(),
                                 [&](const auto& other) { return same(value, other); });
    world_.expect(Invariant::comparison_true, !met, [&] {
      return key + " was called " + std::string(what) +
             ", although the replica held what the primary had within the settle time";
    });
  }
}

}  // namespace dynamodb_replicator::sim
