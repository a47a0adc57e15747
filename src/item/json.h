// Reading JSON without exceptions, lazily and yet to the end: a thin layer over simdjson's
// on-demand reader.
//
// For the .cc files of item, wire and their neighbours; no public header shows it. Every walk
// visits each field once, so a broken or cut tail is always noticed; what is skipped is checked for
// nesting only. Views stay valid as long as the Text they came from. A string may be taken once.
#pragma once

#include <simdjson.h>

// The library's own switch changes the layout of its parser: a room that includes this without
// linking simdjson (src/CMakeLists.txt) would disagree with the others about what a Text is.
#ifndef SIMDJSON_THREADS_ENABLED
#error "link simdjson::simdjson in this room"
#endif

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dynamodb_replicator::item::json {

using Value = simdjson::ondemand::value;
using Object = simdjson::ondemand::object;
using Array = simdjson::ondemand::array;

// field(std::string_view name, Value value) -> bool; false stops the walk, which is then false too.
template <class F>
bool each_field(Object object, F&& field) {
  for (auto item : object) {
    simdjson::ondemand::field pair;
    if (std::move(item).get(pair)) return false;
    std::string_view name;
    if (pair.unescaped_key().get(name)) return false;
    if (!field(name, pair.value())) return false;
  }
  return true;
}

// element(Value value) -> bool
template <class F>
bool each_element(Array array, F&& element) {
  for (auto item : array) {
    Value value;
    if (std::move(item).get(value)) return false;
    if (!element(value)) return false;
  }
  return true;
}

template <class F>
bool each_field(Value value, F&& field) {
  Object object;
  return !value.get_object().get(object) && each_field(object, std::forward<F>(field));
}

template <class F>
bool each_element(Value value, F&& element) {
  Array array;
  return !value.get_array().get(array) && each_element(array, std::forward<F>(element));
}

// Each returns false, and leaves `out` alone, if the value is of another type.
bool read(Value value, std::string& out);
bool read(Value value, std::string_view& out);
bool read(Value value, bool& out);
bool read(Value value, double& out);  // any JSON number
bool read(Value value, std::int64_t& out);
bool is_null(Value value);
// The bytes of a value as they stand, without white space around them; the value is used up.
bool read_raw(Value value, std::string& out);
bool read_raw_object(Object object, std::string& out);

// One text and its reader. Walk it once.
class Text {
 public:
  explicit Text(std::string text);
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  // False if the text is not one whole JSON object, or `field` said so.
  template <class F>
  bool each_field(F&& field) {
    return with_object(
        [&](Object object) { return json::each_field(object, std::forward<F>(field)); });
  }

  // `use` must walk the object to its end.
  template <class F>
  bool with_object(F&& use) {
    simdjson::ondemand::document document;
    if (parser_.iterate(text_.data(), text_.size(), text_.capacity()).get(document)) return false;
    Object object;
    if (document.get_object().get(object)) return false;
    if (!use(object)) return false;
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // nothing behind it
  }

 private:
  std::string text_;
  simdjson::ondemand::parser parser_;
};

}  // namespace dynamodb_replicator::item::json
