// Any bytes where people and files name places, profiles and times.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aws/location.h"
#include "aws/moments.h"
#include "aws/profiles.h"
#include "base/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dynamodb_replicator;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& location : {aws::parse_table(text), aws::parse_stream(text)}) {
    if (!location) continue;
    // What an ARN was read into is that ARN again.
    INVARIANT(location->arn().empty() || location->arn() == text, "another ARN came out");
    INVARIANT(!location->name.empty(), "a location without a name");
  }
  if (const auto place = aws::parse_url(text)) {
    INVARIANT(!place->host.empty() && place->port != 0, "a URL of nowhere");
  }
  (void)aws::parse_ini(text);
  (void)aws::parse_http_date(text);
  if (const auto at = aws::parse_iso(text)) (void)aws::basic_iso(*at);
  return 0;
}
