// Any status and any bytes as a service's error answer.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/invariant.h"
#include "wire/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dynamodb_replicator;
  if (size < 2) return 0;
  const int status = 100 + (data[0] * 256 + data[1]) % 500;
  const std::string body(reinterpret_cast<const char*>(data + 2), size - 2);
  const std::string header = body.substr(0, body.find('\n'));
  const Failure failure = wire::failure_of_answer({status, body, header, header});
  INVARIANT(base::is_utf8(failure.message) && failure.message.size() < 500, "no clean message");
  INVARIANT(failure.message.find('\n') == std::string::npos, "a message of two lines");
  INVARIANT(status < 500 || failure.maybe_applied, "a 5xx that is definite");
  (void)wire::cancellation_reasons(body);
  return 0;
}
