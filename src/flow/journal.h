// Which keys a second writer is about to write, on disk before it writes them, so that what an
// interrupted run left is finished by the next one.
//
// A process has a file of its own in the state directory, one JSON line per step:
//   {"pair":"PRIMARY -> REPLICA"}      for people
//   {"begin":[KEY,..]}                 durable before the first write of these keys
//   {"done":[KEY,..]}                  each of them is known to be in line
// KEY is a key in wire form. A key that was begun more often than done is open. The file is locked
// for as long as its process lives (a file PATH.lock beside it), so that what a living process is
// about to write is nobody else's; it goes away when nothing in it is open. If it is lost, what an
// interrupted run left is found by the next comparison.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/doors.h"
#include "async/gate.h"
#include "item/key.h"

namespace dynamodb_replicator::flow {

class Journal {
 public:
  // Processes of one machine that write one pair at once: PATH.0, PATH.1, ...
  static constexpr unsigned kProcessesMax = 64;
  // A file that has grown beyond this, and beyond twice what was open when it was last written
  // anew, is written anew with what is open.
  static constexpr std::size_t kTurnOverBytes = 4 << 20;

  Journal(async::Loop& loop, async::Files& files, std::string path, std::string pair,
          std::size_t turn_over = kTurnOverBytes)
      : files_(files),
        changed_(loop),
        base_(std::move(path)),
        pair_(std::move(pair)),
        turn_over_(turn_over) {}

  // Takes a file for this process, and with it all that processes which have ended left open: gives
  // those keys, each once. A line that is torn, or none of ours, is passed over: what it begins was
  // not yet written. Failure kind: configuration.
  async::Task<Result<std::vector<item::KeyRef>>> open(const item::KeySchema& schema);

  // REQUIRES: open() has ended well.
  async::Task<Result<void>> begin(std::vector<item::KeyRef> keys);
  // A mark that could not be written is no failure: then the next run looks at the keys once more.
  async::Task<void> done(std::vector<item::KeyRef> keys);
  // Ends the use of it: the file goes away if nothing in it is open.
  void close();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t open_keys() const { return open_.size(); }

 private:
  // Among our own tasks: a file that is written anew must not lose a line.
  async::Task<void> turn();
  void over();
  Result<std::set<std::string>> take_files();
  async::Task<Result<void>> append(const char* step, const std::vector<item::KeyRef>& keys);
  async::Task<Result<void>> write_anew();

  async::Files& files_;
  async::Signal changed_;
  std::string base_;
  std::string path_;
  std::string pair_;
  std::size_t turn_over_;
  std::unique_ptr<async::Lock> lock_;
  std::vector<std::string> left_;  // files of ended processes, locked until ours has what they have
  std::vector<std::unique_ptr<async::Lock>> left_locks_;
  std::map<std::string, int> open_;  // in wire form, and how often
  bool busy_ = false;
  std::size_t bytes_ = 0;  // of the file
  std::size_t anew_ = 0;   // of it when it was last written anew
};

}  // namespace dynamodb_replicator::flow
