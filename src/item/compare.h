// Comparing two items of two tables: what is left out, whether they are the same, and where not.
//
// Sameness is that of canonical.h. Attributes named aws:rep:* never count; nor do those that an
// Ignored list names. Items are in wire form; nothing of them passes through a double.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digests.h"
#include "base/result.h"
#include "base/time.h"
#include "item/canonical.h"
#include "item/key.h"

namespace dynamodb_replicator::item {

// Names of (top-level) attributes that are left out of comparison; few.
class Ignored {
 public:
  Ignored() = default;
  explicit Ignored(std::vector<std::string> names) : names_(std::move(names)) {}
  [[nodiscard]] bool holds(std::string_view name) const;
  [[nodiscard]] bool empty() const { return names_.empty(); }

 private:
  std::vector<std::string> names_;
};

// Of the canonical content without what is left out: equal for the same items. Whoever has two
// items' bytes and finds them equal need not ask.
Result<base::Digest128, Malformed> content_digest(std::string_view item, const Ignored& ignored);

// Byte equality first. Malformed items are the same only as the same bytes. An absent item is
// empty, and the same as an absent one only.
bool same_item(std::string_view a, std::string_view b, const Ignored& ignored);

// One attribute in which two items differ.
struct FieldDifference {
  enum class Kind { only_left, only_right, different };
  std::string name;
  Kind kind = Kind::different;
  friend bool operator==(const FieldDifference&, const FieldDifference&) = default;
};
// Sorted by name; empty if they are the same.
Result<std::vector<FieldDifference>, Malformed> field_differences(std::string_view left,
                                                                  std::string_view right,
                                                                  const Ignored& ignored);

// What to put on the replica: `wanted` as it is, but ignored attributes as `kept` has them (none,
// if `kept` is empty). Key attributes are always those of `wanted`.
Result<std::string, Malformed> with_kept(std::string_view wanted, std::string_view kept,
                                         const Ignored& ignored, const KeySchema& schema);

// An item attribute older than this is not expired by the service (DynamoDB Developer Guide, "Using
// time to live"), so such an item lives on both sides and counts.
inline constexpr std::int64_t kTtlOldestSeconds = 5LL * 365 * 24 * 3600;

// Has the service leave to delete the item at `now`? `attribute`: the table's TTL attribute, a
// number of epoch seconds; anything else never expires.
bool is_expired(std::string_view item, std::string_view attribute, WallTime now);

}  // namespace dynamodb_replicator::item
