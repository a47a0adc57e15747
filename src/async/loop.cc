#include "async/loop.h"

#include <algorithm>

#include "base/invariant.h"

namespace dynamodb_replicator::async {

void Waiter::unlink() {
  if (list_ != nullptr) list_->remove(*this);
  if (timer_) {
    loop_->timers_.erase(*timer_);
    timer_.reset();
  }
}

WaitList::~WaitList() {
  while (first_ != nullptr) remove(*first_);
}

void WaitList::add(Waiter& waiter) {
  INVARIANT(waiter.list_ == nullptr, "a waiter can wait for one thing at a time");
  waiter.list_ = this;
  waiter.previous_ = last_;
  waiter.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  ++size_;
}

void WaitList::remove(Waiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last_) = waiter.previous_;
  waiter.previous_ = waiter.next_ = nullptr;
  waiter.list_ = nullptr;
  --size_;
}

void WaitList::wake_one() {
  if (first_ != nullptr) first_->loop_->make_ready(*first_);
}

void WaitList::wake_all() {
  while (first_ != nullptr) wake_one();
}

void Loop::make_ready(Waiter& waiter) {
  if (waiter.list_ == &ready_) return;
  waiter.unlink();
  ready_.add(waiter);
}

void Loop::add_timer(Waiter& waiter, Instant when) {
  INVARIANT(!waiter.timer_, "a waiter has one timer");
  // No instant is before boot; a driver that subtracts must not overflow on "at once",
  // Instant::min().
  waiter.timer_ = timers_.emplace(std::max(when, Instant{}), &waiter);
}

void Loop::run(std::size_t index) {
  INVARIANT(index < ready_.size(), "run() of a handler that is not ready");
  Waiter* waiter = ready_.first_;
  for (; index > 0; --index) waiter = waiter->next_;
  ready_.remove(*waiter);
  waiter->handle_.resume();
}

std::optional<Instant> Loop::next_timer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

void Loop::fire(Instant now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Waiter& waiter = *timers_.begin()->second;
    waiter.timed_out_ = true;
    make_ready(waiter);
  }
}

}  // namespace dynamodb_replicator::async
