#include "flow/journal.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "item/json.h"

namespace dynamodb_replicator::flow {
namespace {

namespace json = item::json;

// The keys of one line, by step; false if it is not one of ours.
bool read_line(std::string_view line, std::vector<std::string>& begun,
               std::vector<std::string>& done) {
  json::Text text{std::string(line)};
  return text.each_field([&](std::string_view step, json::Value value) {
    if (step != "begin" && step != "done") return true;
    std::vector<std::string>& keys = step == "begin" ? begun : done;
    return json::each_element(
        value, [&](json::Value key) { return json::read_raw(key, keys.emplace_back()); });
  });
}

// Open keys in wire form, and how often each is open.
std::map<std::string, int> open_in(std::string_view text) {
  std::map<std::string, int> open;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string> begun;
    std::vector<std::string> done;
    if (read_line(text.substr(0, end), begun, done)) {
      for (const std::string& key : begun) ++open[key];
      for (const std::string& key : done) --open[key];
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::erase_if(open, [](const auto& entry) { return entry.second <= 0; });
  return open;
}

}  // namespace

Result<std::vector<item::KeyRef>> Journal::open_keys(const item::KeySchema& schema) {
  const auto text = files_.read(path_);
  if (!text) return text.error();
  std::vector<item::KeyRef> keys;
  if (!*text) return keys;
  for (const auto& [wire, times] : open_in(**text)) {
    const auto key = item::parse_key(wire, schema);
    if (!key) {
      Failure failure;
      failure.kind = FailureKind::configuration;
      failure.message =
          "the journal " + path_ + " names a key that the tables cannot have: " + key.error();
      failure.hint = "If the tables were made anew with other keys, remove the file.";
      return failure;
    }
    keys.insert(keys.end(), static_cast<std::size_t>(times), *key);
  }
  return keys;
}

async::Task<Result<void>> Journal::append(const char* step, const std::vector<item::KeyRef>& keys) {
  std::string line = std::string("{\"") + step + "\":[";
  for (const item::KeyRef& key : keys) {
    if (line.back() != '[') line += ',';
    line += key->wire();
  }
  line += "]}";
  bytes_ += line.size() + 1;
  return files_.append_line(path_, std::move(line));
}

async::Task<Result<void>> Journal::begin(std::vector<item::KeyRef> keys) {
  while (bytes_ > turn_over_ && open_ > 0) co_await changed_.wait();
  if (bytes_ > turn_over_) close();
  if (!named_) {
    named_ = true;
    Result<void> named =
        co_await files_.append_line(path_, "{\"pair\":" + base::to_json_string(pair_) + "}");
    if (!named) co_return named;
  }
  open_ += keys.size();
  Result<void> begun = co_await append("begin", keys);
  if (!begun) open_ -= keys.size();
  co_return begun;
}

async::Task<void> Journal::done(std::vector<item::KeyRef> keys) {
  const Result<void> marked = co_await append("done", keys);
  static_cast<void>(marked);
  leave(keys.size());
}

void Journal::leave(std::size_t keys) {
  open_ -= std::min(open_, keys);
  changed_.notify();
}

void Journal::close() {
  bytes_ = 0;
  const auto text = files_.read(path_);
  if (!text || !*text || !open_in(**text).empty()) return;
  named_ = false;
  static_cast<void>(files_.remove_if(path_, **text));  // else somebody has appended: it stays
}

}  // namespace dynamodb_replicator::flow
