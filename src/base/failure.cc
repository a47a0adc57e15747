#include "dynamodb_replicator/failure.h"

#include <utility>

namespace dynamodb_replicator {

std::string to_text(const Failure& failure) {
  std::string text = failure.operation;
  if (!failure.code.empty()) text += (text.empty() ? "" : ": ") + failure.code;
  if (!failure.message.empty()) text += (text.empty() ? "" : ": ") + failure.message;
  std::string aside;
  if (!failure.request_id.empty()) aside = "request " + failure.request_id;
  if (failure.attempts > 1) {
    aside += (aside.empty() ? "" : ", ") + std::to_string(failure.attempts) + " attempts";
  }
  if (!aside.empty()) text += " (" + aside + ")";
  if (!failure.hint.empty()) text += (text.ends_with('.') ? " " : ". ") + failure.hint;
  return text;
}

Failure misconfigured(std::string message, std::string hint) {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.message = std::move(message);
  failure.hint = std::move(hint);
  return failure;
}

}  // namespace dynamodb_replicator
