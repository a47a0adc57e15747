// Any bytes as the answers of services and as rows of the lease table.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/invariant.h"
#include "wire/items.h"
#include "wire/kinesis.h"
#include "wire/lease_rows.h"
#include "wire/streams.h"
#include "wire/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dynamodb_replicator;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const item::KeySchema schema{{"id", item::KeyType::string}, std::nullopt};
  if (const auto answer = wire::decode_batch_get(bytes, "t", schema); answer.ok()) {
    for (const auto& found : answer->found) {
      const auto key = item::key_of_item(found.item, schema);
      INVARIANT(key.ok() && **key == *found.key, "a slice is not the item it was cut from");
    }
  }
  (void)wire::decode_batch_write(bytes, "t", schema);
  (void)wire::decode_items_page(bytes);
  (void)wire::decode_get_item(bytes);
  if (const auto table = wire::decode_describe_table(bytes); table.ok()) {
    (void)wire::create_copy_request("r", *table);
  }
  (void)wire::decode_describe_stream(bytes);
  (void)wire::decode_stream_records(bytes, {schema, ""});
  (void)wire::decode_describe_summary(bytes);
  (void)wire::decode_list_shards(bytes);
  (void)wire::decode_kinesis_records(bytes);
  (void)wire::meta_row_from_item(bytes);
  if (const auto row = wire::shard_row_from_item(bytes); row.ok()) {
    const std::string item = wire::shard_row_to_item(*row);
    const auto again = wire::shard_row_from_item(item);
    INVARIANT(again.ok() && wire::shard_row_to_item(*again) == item, "a row does not come back");
  }
  return 0;
}
