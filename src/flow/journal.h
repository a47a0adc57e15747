// Which keys a second writer is about to write, on disk before it writes them, so that what an
// interrupted run left is finished by the next one.
//
// One file per pair in the state directory, one JSON line per step:
//   {"pair":"PRIMARY -> REPLICA"}      for people
//   {"begin":[KEY,..]}                 durable before the first write of these keys
//   {"done":[KEY,..]}                  each of them is known to be in line
// KEY is a key in wire form. A key that was begun more often than done is open. Several processes
// may append to one file; it goes away when nothing in it is open. If the file is lost, what an
// interrupted run left is found by the next comparison.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "async/doors.h"
#include "async/gate.h"
#include "item/key.h"

namespace dynamodb_replicator::flow {

class Journal {
 public:
  // A journal that has grown beyond this waits until nothing is in progress and begins anew, if
  // nothing in it is open.
  static constexpr std::size_t kTurnOverBytes = 4 << 20;

  Journal(async::Loop& loop, async::Files& files, std::string path, std::string pair,
          std::size_t turn_over = kTurnOverBytes)
      : files_(files),
        changed_(loop),
        path_(std::move(path)),
        pair_(std::move(pair)),
        turn_over_(turn_over) {}

  // The open keys, each as often as it is open. A line that is torn, or none of ours, is passed
  // over: what it begins was not yet written. Failure kind: configuration.
  Result<std::vector<item::KeyRef>> open_keys(const item::KeySchema& schema);

  async::Task<Result<void>> begin(std::vector<item::KeyRef> keys);
  // A mark that could not be written is no failure: then the next run looks at the keys once more.
  async::Task<void> done(std::vector<item::KeyRef> keys);
  // So many keys that were begun are given up: they stay open, for the next run.
  void leave(std::size_t keys);
  // Takes the file away if nothing in it is open.
  void close();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  async::Task<Result<void>> append(const char* step, const std::vector<item::KeyRef>& keys);

  async::Files& files_;
  async::Signal changed_;
  std::string path_;
  std::string pair_;
  std::size_t turn_over_;
  bool named_ = false;     // the pair's line is written
  std::size_t bytes_ = 0;  // appended since the file was begun, by us
  std::size_t open_ = 0;   // keys in progress
};

}  // namespace dynamodb_replicator::flow
