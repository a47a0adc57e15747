// Task<T>: a coroutine that is started when awaited and owned by whoever holds it.
//
// Ownership is the cancellation model: destroying a Task destroys its frame, and with it every
// frame and every wait below it. A simulated crash is therefore "destroy the root". What must hold:
//  - No I/O in destructors: a killed process would not have run them.
//  - A task is never destroyed from inside itself or from a task below it.
//  - A co_await stands alone, or initialises or assigns a variable, or is returned: GCC 12
//  miscompiles one inside
//    an `if (...)` of a loop (the resume index falls through to a trap). The tidy test holds this.
//  - Exceptions do not leave a task: an escaping one stops the process (expected failures are
//  Result values).
// Why not asio::awaitable: it would bring Boost into every room that waits, its frames are owned by
// handlers (a crash could not free them in one stroke), and its executor decides the order; see
// DESIGN.md, "Runtime".
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/invariant.h"

namespace dynamodb_replicator::async {

template <class T = void>
class Task;

namespace detail {

// Starting a child runs it on the awaiting coroutine's stack; when it ends without waiting, the
// parent just goes on (no resume, no growing stack even where the compiler makes no tail calls, as
// under sanitizers).
class PromiseBase {
 public:
  static std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    static bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      PromiseBase& promise = ended.promise();
      promise.ended_ = true;
      if (promise.parent_waits_)
        promise.parent_.resume();  // may destroy this frame: touch nothing after
    }
    static void await_resume() noexcept {}
  };
  static FinalAwaiter final_suspend() noexcept { return {}; }

  [[noreturn]] static void unhandled_exception() {
    base::stop_process("an exception escaped from a task", __FILE__, __LINE__);
  }

 private:
  template <class T>
  friend class async::Task;
  std::coroutine_handle<> parent_;
  bool parent_waits_ = false;
  bool ended_ = false;
};

template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle child;
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> parent) noexcept {
        detail::PromiseBase& promise = child.promise();
        promise.parent_ = parent;
        child.resume();
        if (promise.ended_) return false;  // it ended without waiting: go straight on
        promise.parent_waits_ = true;
        return true;
      }
      T await_resume() { return child.promise().take(); }
    };
    return Awaiter{handle_};
  }

  // For owners of root tasks only (Scope, main): run until the first wait.
  void start() { handle_.resume(); }
  [[nodiscard]] bool done() const { return handle_.done(); }
  // REQUIRES: done(). Call once.
  T take() { return handle_.promise().take(); }

 private:
  void reset() {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace dynamodb_replicator::async
