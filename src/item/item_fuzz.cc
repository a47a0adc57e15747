// Any bytes as an item and as a key: no crash, and equality that holds together.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/invariant.h"
#include "item/canonical.h"
#include "item/key.h"
#include "item/number.h"
#include "item/plain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dynamodb_replicator;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto canonical = item::canonical_item(bytes);
  INVARIANT(item::same_item(bytes, bytes), "an item differs from itself");
  const auto writable = item::writable_item(bytes);
  if (canonical && writable) {
    INVARIANT(item::same_item(bytes, *writable), "what is written is not what was read");
  }
  const item::KeySchema schema{{"a", item::KeyType::binary},
                               item::KeyAttribute{"b", item::KeyType::number}};
  if (const auto key = item::parse_key(bytes, schema); key.ok()) {
    const auto again = item::parse_key((*key)->wire(), schema);
    INVARIANT(again.ok() && **again == **key, "a key's own text is another key");
    INVARIANT(item::key_of_item(bytes, schema).ok(), "a key is no item with that key");
  }
  if (const auto key = item::parse_plain_or_wire_key(bytes, schema); key.ok()) {
    const auto again = item::parse_plain_or_wire_key(item::to_plain(**key), schema);
    INVARIANT(again.ok() && **again == **key, "a key that was printed is another key");
  }
  if (const auto number = item::canonical_number(bytes);
      number && bytes.find('.') != bytes.npos && bytes.find_first_of("eE") == bytes.npos) {
    INVARIANT(item::canonical_number(std::string(bytes) + "0") == number,
              "a zero at the end of a fraction changes a number");
  }
  return 0;
}
