// A place where tasks run side by side and none outlives it.
//
// spawn() starts a child through the ready list (so the seed decides its order). join() waits until
// no child is left. Destroying the scope destroys every child's frame at its current wait: that is
// cancellation. A scope must be destroyed from outside its children.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "async/gate.h"
#include "async/loop.h"
#include "async/task.h"

namespace dynamodb_replicator::async {

class Scope {
 public:
  explicit Scope(Loop& loop) : loop_(loop), changed_(loop) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() = default;

  void spawn(Task<void> task);
  Task<void> join();
  // False if children were still running at the deadline.
  Task<bool> join_until(Instant deadline);
  [[nodiscard]] std::size_t running() const { return running_.size(); }

 private:
  struct Child {
    std::optional<Task<void>> root;
  };
  using Children = std::list<Child>;
  Task<void> run(Task<void> task, Children::iterator self);
  Loop& loop_;
  Signal changed_;
  Children ended_;  // frames that are done; freed at the next spawn or join
  Children running_;
};

// The task's value, or nullopt at the deadline; then the task's frame is destroyed where it waits.
template <class T>
Task<std::optional<T>> before(Loop& loop, Instant deadline, Task<T> task) {
  std::optional<T> value;
  Gate ended(loop);
  Scope scope(loop);
  scope.spawn([](Task<T> inner, std::optional<T>& out, Gate& gate) -> Task<void> {
    T result = co_await std::move(inner);
    out.emplace(std::move(result));
    gate.open();
  }(std::move(task), value, ended));
  co_await ended.wait_until(deadline);
  co_return value;
}

}  // namespace dynamodb_replicator::async
