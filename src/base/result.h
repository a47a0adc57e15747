// A value or the reason why there is none. Used for every expected failure; nothing in src/ throws
// across a function boundary (libraries that throw are wrapped where they are called).
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/invariant.h"
#include "dynamodb_replicator/failure.h"

namespace dynamodb_replicator::base {

template <class T, class E = Failure>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & { return check(), std::get<0>(state_); }
  const T& value() const& { return check(), std::get<0>(state_); }
  T&& value() && { return check(), std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  // REQUIRES: !ok().
  E& error() & { return check_error(), std::get<1>(state_); }
  const E& error() const& { return check_error(), std::get<1>(state_); }
  E&& error() && { return check_error(), std::get<1>(std::move(state_)); }

 private:
  void check() const { INVARIANT(ok(), "value() of a Result that holds an error"); }
  void check_error() const { INVARIANT(!ok(), "error() of a Result that holds a value"); }
  std::variant<T, E> state_;
};

// A Result without a value.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  E& error() & { return check_error(), *error_; }
  const E& error() const& { return check_error(), *error_; }
  E&& error() && { return check_error(), std::move(*error_); }

 private:
  void check_error() const { INVARIANT(!ok(), "error() of a Result that holds a value"); }
  std::optional<E> error_;
};

}  // namespace dynamodb_replicator::base

namespace dynamodb_replicator {
using base::Result;
}
