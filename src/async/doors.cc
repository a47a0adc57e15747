#include "async/doors.h"

#include "base/bytes.h"

namespace dynamodb_replicator::async {

const std::string* HttpResponse::header(std::string_view name) const {
  for (const Header& entry : headers) {
    if (base::equal_without_case(name, entry.name)) return &entry.value;
  }
  return nullptr;
}

}  // namespace dynamodb_replicator::async
