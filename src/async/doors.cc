#include "async/doors.h"

#include <algorithm>

namespace dynamodb_replicator::async {
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
}  // namespace

const std::string* HttpResponse::header(std::string_view name) const {
  for (const Header& entry : headers) {
    if (std::equal(name.begin(), name.end(), entry.name.begin(), entry.name.end(),
                   [](char a, char b) { return lower(a) == lower(b); })) {
      return &entry.value;
    }
  }
  return nullptr;
}

}  // namespace dynamodb_replicator::async
