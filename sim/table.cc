#include "sim/table.h"

namespace dynamodb_replicator::sim {
namespace {

Result<std::string, ServiceError> part_of(const Item& item, const KeyPart& part) {
  const auto found = item.find(part.name);
  if (found == item.end()) {
    return validation("One of the required keys was not given a value");
  }
  if (type_of(found->second) != part.type) return validation(std::string(kKeyMismatch));
  if (scalar_text(found->second).empty()) {
    return validation(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
        "contain an empty string value. Key: " +
        part.name);
  }
  return found->second;
}

}  // namespace

Result<std::string, ServiceError> Table::key_of(const Item& item, bool alone) const {
  if (alone && item.size() != (schema_.range ? 2U : 1U))
    return validation(std::string(kKeyMismatch));
  auto hash = part_of(item, schema_.hash);
  if (!hash || !schema_.range) return hash;
  auto range = part_of(item, *schema_.range);
  if (!range) return range;
  return *hash + *range;
}

Item Table::key_item(const Item& item) const {
  Item out;
  out[schema_.hash.name] = item.at(schema_.hash.name);
  if (schema_.range) out[schema_.range->name] = item.at(schema_.range->name);
  return out;
}

const Item* Table::find(const std::string& key) const {
  const auto found = items_.find(key);
  return found == items_.end() ? nullptr : found->second.get();
}

const Item* Table::find_stale(const std::string& key, Duration age) const {
  const auto& versions = history(key);
  std::size_t i = versions.size() - 1;
  if (i > 0 && versions[i].since + age > world_.now()) --i;
  return versions[i].item.get();
}

const std::vector<Version>& Table::history(const std::string& key) const {
  static const std::vector<Version> kNever(1);
  const auto found = history_.find(key);
  return found == history_.end() ? kNever : found->second;
}

void Table::put(const Item& item) { write(key_item(item), std::make_shared<const Item>(item)); }

void Table::erase(const Item& key) { write(key, nullptr); }

void Table::write(const Item& key_item, const std::shared_ptr<const Item>& item) {
  const auto key = key_of(key_item, true);
  INVARIANT(key.ok(), "a simulated write has a valid key");
  const Item* before = find(*key);
  const bool same = before == nullptr ? item == nullptr : item != nullptr && *before == *item;
  if (!same) change(*key, key_item, item);
  for (const auto& watcher : write_watchers_) watcher(*key);
}

void Table::change(const std::string& key, const Item& key_item,
                   const std::shared_ptr<const Item>& item) {
  std::vector<Version>& versions = history_[key];
  if (versions.empty()) versions.emplace_back();
  const std::shared_ptr<const Item> before = versions.back().item;
  versions.push_back({world_.now(), item});
  if (item != nullptr) {
    items_[key] = item;
  } else {
    items_.erase(key);
  }
  const Change change{key, key_item, versions.size() - 1, before.get(), item.get()};
  for (const auto& watcher : watchers_) watcher(change);
}

}  // namespace dynamodb_replicator::sim
