#include "item/json.h"

namespace dynamodb_replicator::item::json {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' ||
                           text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

bool read(Value value, std::string& out) {
  std::string_view view;
  if (!read(value, view)) return false;
  out.assign(view);
  return true;
}

bool read(Value value, std::string_view& out) {
  std::string_view view;
  if (value.get_string().get(view)) return false;
  out = view;
  return true;
}

bool read(Value value, bool& out) {
  bool flag = false;
  if (value.get_bool().get(flag)) return false;
  out = flag;
  return true;
}

bool read(Value value, double& out) {
  double number = 0;
  if (value.get_double().get(number)) return false;
  out = number;
  return true;
}

bool read(Value value, std::int64_t& out) {
  std::int64_t number = 0;
  if (value.get_int64().get(number)) return false;
  out = number;
  return true;
}

bool is_null(Value value) {
  bool null = false;
  return !value.is_null().get(null) && null;
}

bool read_raw_object(Object object, std::string& out) {
  std::string_view raw;
  if (object.raw_json().get(raw)) return false;
  out.assign(trimmed(raw));
  return true;
}

bool read_raw(Value value, std::string& out) {
  simdjson::ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type == simdjson::ondemand::json_type::object) {
    Object object;
    return !value.get_object().get(object) && read_raw_object(object, out);
  }
  if (type == simdjson::ondemand::json_type::array) {
    Array array;
    std::string_view raw;
    if (value.get_array().get(array) || array.raw_json().get(raw)) return false;
    out.assign(trimmed(raw));
    return true;
  }
  out.assign(trimmed(value.raw_json_token()));
  return true;
}

Text::Text(std::string text) : text_(std::move(text)) {
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
}

}  // namespace dynamodb_replicator::item::json
