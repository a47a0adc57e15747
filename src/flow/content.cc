#include "flow/content.h"

#include "base/planted.h"

namespace dynamodb_replicator::flow {

base::Digest128 digest_of(const std::string& item, const ContentRules& rules) {
  Result<base::Digest128, item::Malformed> digest = item::content_digest(item, rules.ignored);
  return digest ? *digest : base::digest128(item);
}

Result<Content> content_of(const std::string& item, const item::KeySchema& schema,
                           const ContentRules& rules) {
  Result<item::KeyRef, std::string> key = item::key_of_item(item, schema);
  if (!key) {
    Failure failure;
    failure.kind = FailureKind::unusable_answer;
    failure.message = "a scan brought an item whose key cannot be read: " + key.error();
    return failure;
  }
  Content content;
  content.key = std::move(*key);
  const bool by_text = base::planted(base::Bug::compares_by_text);
  content.key_digest = base::digest128(by_text ? content.key->wire() : content.key->canonical());
  content.digest = digest_of(item, rules);
  return content;
}

}  // namespace dynamodb_replicator::flow
