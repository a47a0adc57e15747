// The executor seam: a ready list and a timer list, and nothing that touches the outside.
//
// Every wait in the program ends by a Waiter being put on its loop's ready list. Who drives the
// loop decides what that means: os/ runs the oldest first and sleeps in the kernel between; the
// simulator lets the seed pick among the ready ones and moves virtual time when none is ready. One
// thread per loop; nothing here is thread-safe.
#pragma once

#include <coroutine>
#include <cstddef>
#include <map>
#include <optional>

#include "base/time.h"

namespace dynamodb_replicator::async {

class Loop;
class WaitList;

// One suspended coroutine, waiting for at most one list and at most one timer. Lives in the frame
// of the coroutine, so destroying the frame takes it out of every list: that is how cancellation
// reaches the leaves.
class Waiter {
 public:
  explicit Waiter(Loop& loop) : loop_(&loop) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { unlink(); }

  void set(std::coroutine_handle<> handle) { handle_ = handle; }
  Loop& loop() { return *loop_; }
  // True if the timer ended the wait and not the list.
  [[nodiscard]] bool timed_out() const { return timed_out_; }

 private:
  friend class Loop;
  friend class WaitList;
  void unlink();
  Loop* loop_;
  std::coroutine_handle<> handle_;
  Waiter* previous_ = nullptr;  // in the WaitList or the ready list
  Waiter* next_ = nullptr;
  WaitList* list_ = nullptr;
  std::optional<std::multimap<Instant, Waiter*>::iterator> timer_;
  bool timed_out_ = false;
};

// First in, first out list of waiters; the base of gates, signals and of doors that complete later.
class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  // REQUIRES: empty when destroyed, or only waiters that are being destroyed with it remain (they
  // are cut loose).
  ~WaitList();
  void add(Waiter& waiter);
  void wake_one();
  void wake_all();
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Waiter;
  friend class Loop;
  void remove(Waiter& waiter);
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // For waits: end this one now (also takes it off its timer).
  void make_ready(Waiter& waiter);
  void add_timer(Waiter& waiter, Instant when);

  // For drivers. `ready()` handlers are runnable; run(i) resumes the i-th oldest. REQUIRES: i <
  // ready().
  [[nodiscard]] std::size_t ready() const { return ready_.size(); }
  void run(std::size_t index = 0);
  // The earliest timer, if any; fire(now) makes everything due ready.
  [[nodiscard]] std::optional<Instant> next_timer() const;
  void fire(Instant now);

  // co_await loop.sleep_until(t): ready again once the driver's time has reached t.
  auto sleep_until(Instant when) {
    struct Awaiter {
      Waiter waiter;
      Instant when;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        waiter.set(handle);
        waiter.loop().add_timer(waiter, when);
      }
      static void await_resume() noexcept {}
    };
    return Awaiter{Waiter(*this), when};
  }
  // co_await loop.yield(): lets every other ready handler (or those the seed prefers) go first.
  auto yield() {
    struct Awaiter {
      Waiter waiter;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        waiter.set(handle);
        waiter.loop().make_ready(waiter);
      }
      static void await_resume() noexcept {}
    };
    return Awaiter{Waiter(*this)};
  }

 private:
  friend class Waiter;
  WaitList ready_;
  std::multimap<Instant, Waiter*> timers_;
};

}  // namespace dynamodb_replicator::async
