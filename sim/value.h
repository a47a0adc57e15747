// Attribute values as the simulated services keep them: each in one normal JSON text, so that equal
// values are equal texts. Written without src/item on purpose: who checks must not share the
// mistakes of what is checked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/result.h"
#include "simdjson.h"

namespace dynamodb_replicator::sim {

using Json = simdjson::dom::element;

// What a service answers instead of a result.
struct ServiceError {
  ServiceError(std::string code_, std::string message_, int status_ = 400)
      : code(std::move(code_)), message(std::move(message_)), status(status_) {}
  std::string code;
  std::string message;
  int status;
  std::string extra;  // further members of the body, each with a leading comma
};
inline ServiceError validation(std::string message) {
  return {"ValidationException", std::move(message)};
}

// ---- reading requests
// -------------------------------------------------------------------------------------------
std::optional<Json> member(Json object, std::string_view name);
std::optional<std::string_view> text(Json object, std::string_view name);
// The scalar of type `type` that the attribute `name` of an item or a key has.
std::optional<std::string_view> scalar(Json item, std::string_view name, std::string_view type);
std::optional<std::int64_t> integer(Json object, std::string_view name);
bool flag(Json object, std::string_view name);

// ---- values
// -----------------------------------------------------------------------------------------------------
// Plain positional notation without needless zeros, as the service answers; nullopt: it would
// refuse the text.
std::optional<std::string> normal_number(std::string_view text);

// {"N":"1e1"} -> {"N":"10"}; members of maps and elements of sets sorted.
Result<std::string, ServiceError> normal_value(Json value);

// Attribute name -> normal value.
using Item = std::map<std::string, std::string>;
Result<Item, ServiceError> parse_item(Json object);

// The JSON object; the order of attributes is drawn, since the service promises none.
std::string item_json(const Item& item, base::Prng& order);
std::string item_json(const Item& item);  // sorted

// More than 400 KB, as the service counts: names and values in bytes. Source: Developer guide,
// "DynamoDB item sizes and formats".
bool is_too_large(const Item& item);
// Are they larger than 4 MB together, as a transaction must not be?
bool are_too_large(const std::vector<const Item*>& items);

// The text inside {"S":"..."} and the like. REQUIRES: normal, of a scalar type but BOOL and NULL.
std::string_view scalar_text(std::string_view normal);
// "S", "N", "SS", ...
std::string_view type_of(std::string_view normal);

}  // namespace dynamodb_replicator::sim
