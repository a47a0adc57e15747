#include "async/scope.h"

namespace dynamodb_replicator::async {

Task<void> Scope::run(Task<void> task, Children::iterator self) {
  co_await loop_.yield();
  co_await std::move(task);
  ended_.splice(ended_.end(), running_, self);
  changed_.notify();
}

void Scope::spawn(Task<void> task) {
  ended_.clear();
  running_.emplace_back();
  const auto self = std::prev(running_.end());
  self->root.emplace(run(std::move(task), self));
  self->root->start();
}

Task<void> Scope::join() {
  while (!running_.empty()) co_await changed_.wait();
  ended_.clear();
}

Task<bool> Scope::join_until(Instant deadline) {
  while (!running_.empty()) {
    const bool woken = co_await changed_.wait(deadline);
    if (!woken) co_return false;
  }
  ended_.clear();
  co_return true;
}

}  // namespace dynamodb_replicator::async
