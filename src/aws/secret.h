// A text that must not be seen: it cannot be printed or compared by accident, and its bytes are
// overwritten when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace dynamodb_replicator::aws {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.cleanse(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      cleanse();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      cleanse();
      text_ = std::move(other.text_);
      other.cleanse();
    }
    return *this;
  }
  ~Secret() { cleanse(); }

  // The one way to the text: for signing and for the header that carries it.
  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret& a, const Secret& b) { return a.text_ == b.text_; }

 private:
  void cleanse() noexcept;
  std::string text_;
};

}  // namespace dynamodb_replicator::aws
