// Ways to wait for something that another task of the same loop does.
//   Gate    stays open once opened: "stop was asked", "the answer is there".
//   Signal  wakes those that wait now: "something changed, look again". Re-check your condition
//   after it.
// Both take an optional deadline; await gives true if it was opened or signalled, false on the
// deadline.
#pragma once

#include <coroutine>
#include <optional>

#include "async/loop.h"

namespace dynamodb_replicator::async {

namespace detail {
struct ListAwaiter {
  Waiter waiter;
  WaitList& list;
  std::optional<Instant> deadline;
  bool already;
  [[nodiscard]] bool await_ready() const noexcept { return already; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter.set(handle);
    list.add(waiter);
    if (deadline) waiter.loop().add_timer(waiter, *deadline);
  }
  bool await_resume() const noexcept { return already || !waiter.timed_out(); }
};
}  // namespace detail

class Gate {
 public:
  explicit Gate(Loop& loop) : loop_(loop) {}
  void open() {
    open_ = true;
    waiting_.wake_all();
  }
  [[nodiscard]] bool is_open() const { return open_; }
  auto wait(std::optional<Instant> deadline = {}) {
    return detail::ListAwaiter{Waiter(loop_), waiting_, deadline, open_};
  }
  // True if the gate opened before the time was over: `const bool stopped = co_await
  // stop.wait_until(later);`
  auto wait_until(Instant deadline) { return wait(deadline); }

 private:
  Loop& loop_;
  WaitList waiting_;
  bool open_ = false;
};

class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  void notify() { waiting_.wake_all(); }
  auto wait(std::optional<Instant> deadline = {}) {
    return detail::ListAwaiter{Waiter(loop_), waiting_, deadline, false};
  }

 private:
  Loop& loop_;
  WaitList waiting_;
};

}  // namespace dynamodb_replicator::async
