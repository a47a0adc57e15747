// Any bytes as a change record, plain and aggregated.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/digests.h"
#include "base/invariant.h"
#include "wire/aggregated.h"
#include "wire/records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dynamodb_replicator;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const wire::RecordForm form{{{"id", item::KeyType::string}, std::nullopt}, "t"};
  (void)wire::decode_record(bytes, form);
  (void)wire::split_aggregated(bytes);
  std::string packet = "\xF3\x89\x9A\xC2";  // so that the message itself is reached
  packet += bytes;
  packet += base::md5(bytes);
  if (const auto parts = wire::split_aggregated(packet)) {
    for (const auto& part : *parts) {
      const auto* view = std::get_if<std::string_view>(&part);
      if (view == nullptr || view->empty()) continue;
      INVARIANT(view->data() >= packet.data() &&
                    view->data() + view->size() <= packet.data() + packet.size(),
                "a part lies outside its packet");
    }
  }
  return 0;
}
