#include "flow/journal.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/invariant.h"
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

// Open keys, in wire form.
std::set<std::string> open_in(std::string_view text) {
  std::map<std::string, int> times;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string> begun;
    std::vector<std::string> done;
    if (read_line(text.substr(0, end), begun, done)) {
      for (const std::string& key : begun) ++times[key];
      for (const std::string& key : done) --times[key];
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::set<std::string> open;
  for (const auto& [key, count] : times) {
    if (count > 0) open.insert(key);
  }
  return open;
}

Failure foreign(const std::string& path, const std::string& why) {
  return misconfigured("the journal " + path + " names a key that the tables cannot have: " + why,
                       "If the tables were made anew with other keys, remove the file.");
}

template <class Keys, class Wire>
std::string line_of(const char* step, const Keys& keys, Wire wire) {
  std::string line = std::string("{\"") + step + "\":[";
  for (const auto& key : keys) {
    if (line.back() != '[') line += ',';
    line += wire(key);
  }
  return line + "]}";
}

}  // namespace

// The first file that nobody holds is ours. The others that nobody holds were left by processes
// that have ended.
Result<std::set<std::string>> Journal::take_files() {
  std::set<std::string> open;
  for (unsigned i = 0; i < kProcessesMax; ++i) {
    const std::string path = base_ + "." + std::to_string(i);
    if (lock_) {
      const auto there = files_.read(path);
      if (there && !*there) continue;
    }
    auto lock = files_.lock(path + ".lock");
    if (!lock) {
      Failure failure = std::move(lock).error();
      failure.hint = "Give --state a directory of a file system that has locks.";
      return failure;
    }
    if (!*lock) continue;
    const auto file = files_.spill(path);  // of any size; empty if it was not there
    if (!file) return file.error();
    const auto text = (*file)->read(0, (*file)->size());
    if (!text) return text.error();
    open.merge(open_in(*text));
    if (!lock_) {
      lock_ = std::move(*lock);
      path_ = path;
      bytes_ = text->size();
    } else {
      left_.push_back(path);
      left_locks_.push_back(std::move(*lock));
    }
  }
  if (lock_) return open;
  return misconfigured(std::to_string(kProcessesMax) + " processes write this pair of tables",
                       "Wait until one of them has ended.");
}

async::Task<Result<std::vector<item::KeyRef>>> Journal::open(const item::KeySchema& schema) {
  const Result<std::set<std::string>> open = take_files();
  if (!open) co_return open.error();
  std::vector<item::KeyRef> keys;
  for (const std::string& wire : *open) {
    const auto key = item::parse_key(wire, schema);
    if (!key) co_return foreign(path_, key.error());
    keys.push_back(*key);
    open_[(*key)->wire()] = 1;
  }
  if (bytes_ > 0 || !left_.empty()) {
    Result<void> written = co_await write_anew();
    if (!written) co_return std::move(written).error();
  }
  for (const std::string& path : left_) static_cast<void>(files_.remove(path));
  left_.clear();
  left_locks_.clear();
  co_return keys;
}

async::Task<void> Journal::turn() {
  while (busy_) co_await changed_.wait();
  busy_ = true;
}

void Journal::over() {
  busy_ = false;
  changed_.notify();
}

async::Task<Result<void>> Journal::append(const char* step, const std::vector<item::KeyRef>& keys) {
  std::string line = line_of(
      step, keys, [](const item::KeyRef& key) -> const std::string& { return key->wire(); });
  bytes_ += line.size() + 1;
  return files_.append_line(path_, std::move(line));
}

async::Task<Result<void>> Journal::write_anew() {
  std::string text = "{\"pair\":" + base::to_json_string(pair_) + "}\n";
  std::vector<std::string_view> open;
  for (const auto& [wire, times] : open_) {
    for (int i = 0; i < times; ++i) open.push_back(wire);
  }
  if (!open.empty())
    text += line_of("begin", open, [](std::string_view wire) { return wire; }) + "\n";
  const std::size_t bytes = text.size();
  Result<void> replaced = co_await files_.replace(path_, std::move(text));
  if (replaced) bytes_ = anew_ = bytes;
  co_return replaced;
}

async::Task<Result<void>> Journal::begin(std::vector<item::KeyRef> keys) {
  INVARIANT(lock_ != nullptr, "a journal is opened before it is written");
  co_await turn();
  for (const item::KeyRef& key : keys) ++open_[key->wire()];
  Result<void> begun;
  if (bytes_ == 0 || bytes_ > std::max(turn_over_, 2 * anew_)) {
    begun = co_await write_anew();
  } else {
    begun = co_await append("begin", keys);
  }
  if (!begun) {
    for (const item::KeyRef& key : keys) {
      if (--open_[key->wire()] == 0) open_.erase(key->wire());
    }
  }
  over();
  co_return begun;
}

async::Task<void> Journal::done(std::vector<item::KeyRef> keys) {
  co_await turn();
  for (const item::KeyRef& key : keys) {
    if (const auto found = open_.find(key->wire()); found != open_.end() && --found->second <= 0)
      open_.erase(found);
  }
  const Result<void> marked = co_await append("done", keys);
  static_cast<void>(marked);
  over();
}

void Journal::close() {
  if (!lock_) return;
  if (open_.empty()) static_cast<void>(files_.remove(path_));
  lock_.reset();
}

}  // namespace dynamodb_replicator::flow
