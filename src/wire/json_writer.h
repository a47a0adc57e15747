// Writes one JSON object, field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace dynamodb_replicator::wire {

class JsonWriter {
 public:
  JsonWriter& text(std::string_view name, std::string_view value) {
    base::append_json_string(begin(name), value);
    return *this;
  }
  JsonWriter& number(std::string_view name, std::int64_t value) {
    begin(name) += std::to_string(value);
    return *this;
  }
  JsonWriter& flag(std::string_view name, bool value) {
    begin(name) += value ? "true" : "false";
    return *this;
  }
  // `json`: one value, as it stands.
  JsonWriter& raw(std::string_view name, std::string_view json) {
    begin(name) += json;
    return *this;
  }
  // The object. Call once, last.
  std::string end() {
    out_ += '}';
    return std::move(out_);
  }

 private:
  std::string& begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    base::append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  std::string out_ = "{";
};

// Attribute values of our own rows: {"S":"..."} and {"N":"..."}.
inline std::string text_value(std::string_view text) { return JsonWriter().text("S", text).end(); }
inline std::string number_value(std::string_view digits) {
  return JsonWriter().text("N", digits).end();
}

}  // namespace dynamodb_replicator::wire
