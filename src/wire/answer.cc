#include "wire/answer.h"

#include "item/json.h"

namespace dynamodb_replicator::wire {

Result<void> decode_nothing(std::string body) {
  item::json::Text text(std::move(body));
  if (!text.each_field([](std::string_view, item::json::Value) { return true; })) {
    return unusable("the answer is not a JSON object");
  }
  return {};
}

}  // namespace dynamodb_replicator::wire
