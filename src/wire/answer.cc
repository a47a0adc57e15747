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

bool add_units(item::json::Value value, double& units) {
  simdjson::ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type == simdjson::ondemand::json_type::array) {
    return item::json::each_element(
        value, [&](item::json::Value element) { return add_units(element, units); });
  }
  if (type != simdjson::ondemand::json_type::object) return true;  // null
  return item::json::each_field(value, [&](std::string_view name, item::json::Value member) {
    double number = 0;
    if (name == "CapacityUnits" && item::json::read(member, number)) units += number;
    return true;
  });
}

}  // namespace dynamodb_replicator::wire
