// BatchGetItem and BatchWriteItem.
#include "contract/case.h"
#include "item/key.h"
#include "wire/items.h"

namespace dynamodb_replicator::contract {
namespace {

std::string number(int value) { return R"({"N":")" + std::to_string(value) + R"("})"; }
item::KeyRef key_of(int id) { return *item::parse_key(key_json(id), kById); }

class Batches : public Case {
 protected:
  std::string get_refusal(const std::string& keys) {
    return refusal("BatchGetItem", R"({"RequestItems":{")" + table_ + R"(":{"Keys":[)" + keys +
                                       R"(],"ConsistentRead":true}}})");
  }
  std::string write_refusal(const std::string& writes) {
    return refusal("BatchWriteItem", R"({"RequestItems":{")" + table_ + R"(":[)" + writes + "]}}");
  }
  static std::string put_one(const std::string& item) {
    return R"({"PutRequest":{"Item":)" + item + "}}";
  }
  static std::string delete_one(const std::string& key) {
    return R"({"DeleteRequest":{"Key":)" + key + "}}";
  }
  wire::BatchGetAnswer read(const std::vector<item::KeyRef>& keys) {
    auto answer = wire::decode_batch_get(
        dynamodb("BatchGetItem", wire::batch_get_request(table_, keys)), table_, kById);
    EXPECT_TRUE(answer.ok()) << to_text(answer.error());
    return answer.ok() ? *std::move(answer) : wire::BatchGetAnswer{};
  }
  std::string count() {
    return at(dynamodb("Scan", R"({"TableName":")" + table_ + R"(","ConsistentRead":true})"),
              "/Count");
  }
  const std::string table_ = create_table("N");
};

// API reference, BatchGetItem: in no particular order; what does not exist is not in the answer.
TEST_F(Batches, ReadsGiveWhatIsThere) {
  for (int i = 0; i < 10; i += 2) put(table_, R"({"v":{"S":"x"},"id":)" + number(i) + "}");
  std::vector<item::KeyRef> keys;
  for (int i = 0; i < 10; ++i) keys.push_back(key_of(i));
  const auto answer = read(keys);
  EXPECT_TRUE(answer.unprocessed.empty());
  std::map<std::string, std::string> found;
  for (const auto& one : answer.found) found[one.key->canonical()] = canonical(one.item);
  ASSERT_EQ(found.size(), 5U);
  for (int i = 0; i < 10; i += 2) {
    EXPECT_EQ(found[key_of(i)->canonical()], R"({"id":)" + number(i) + R"(,"v":{"S":"x"}})");
  }
  EXPECT_TRUE(read({key_of(1)}).found.empty());
}

// The same, Errors: the same key twice.
TEST_F(Batches, ReadsOfOneKeyTwiceAreRefused) {
  EXPECT_EQ(get_refusal(key_json(1) + "," + key_json(1)), "ValidationException");
}

// The same; a number's spelling makes no other key.
TEST_F(Batches, OneKeySpelledTwiceIsReadOnce) {
  EXPECT_EQ(get_refusal(R"({"id":{"N":"1"}},{"id":{"N":"1.0"}})"), "ValidationException");
}

// The same: 1 to 100 keys.
TEST_F(Batches, ReadsHaveOneToAHundredKeys) {
  std::vector<item::KeyRef> keys;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    keys.push_back(key_of(i));
    all += key_json(i) + ",";
  }
  EXPECT_TRUE(read(keys).found.empty());
  EXPECT_EQ(get_refusal(all + key_json(100)), "ValidationException");
  EXPECT_EQ(get_refusal(""), "ValidationException");
  EXPECT_EQ(refusal("BatchGetItem", R"({"RequestItems":{}})"), "ValidationException");
}

TEST_F(Batches, ReadsOfAKeyOfAnotherFormAreRefused) {
  EXPECT_EQ(get_refusal(key_json(1) + R"(,{"id":{"S":"1"}})"), "ValidationException");
  EXPECT_EQ(get_refusal(key_json(1) + R"(,{"other":{"N":"1"}})"), "ValidationException");
}

// API reference, BatchWriteItem: puts and deletes in one request, each succeeds by itself; to
// delete what is not there is no error.
TEST_F(Batches, WritesPutAndDelete) {
  put(table_, key_json(1));
  const auto one = key_of(1);
  const auto two = key_of(2);
  const auto three = key_of(3);
  const std::string item = R"({"id":{"N":"2"},"v":{"L":[{"N":"1"}]}})";
  const std::vector<wire::BatchWrite> writes{{one.get(), ""}, {two.get(), item}, {three.get(), ""}};
  const auto body = wire::batch_write_request(table_, writes);
  ASSERT_TRUE(body.ok());
  const auto answer = wire::decode_batch_write(dynamodb("BatchWriteItem", *body), table_, kById);
  ASSERT_TRUE(answer.ok()) << to_text(answer.error());
  EXPECT_TRUE(answer->unprocessed.empty());
  EXPECT_EQ(get(table_, key_json(1)), "absent");
  EXPECT_EQ(get(table_, key_json(2)), R"({"id":{"N":"2"},"v":{"L":[{"N":"1"}]}})");
  EXPECT_EQ(count(), "1");
}

// The same, Errors: two operations on one item; whatever they are and however the key is spelled.
TEST_F(Batches, TwoWritesOfOneKeyAreRefused) {
  EXPECT_EQ(write_refusal(put_one(key_json(1)) + "," + put_one(key_json(1))),
            "ValidationException");
  EXPECT_EQ(write_refusal(put_one(key_json(1)) + "," + delete_one(R"({"id":{"N":"1.0"}})")),
            "ValidationException");
  EXPECT_EQ(count(), "0");
}

// The same: 1 to 25 requests.
TEST_F(Batches, WritesAreOneToTwentyFive) {
  std::string all;
  for (int i = 0; i < 25; ++i) all += (i > 0 ? "," : "") + put_one(key_json(i));
  EXPECT_EQ(write_refusal(all + "," + put_one(key_json(25))), "ValidationException");
  EXPECT_EQ(count(), "0");
  EXPECT_EQ(write_refusal(all), "accepted");
  EXPECT_EQ(count(), "25");
  EXPECT_EQ(write_refusal(""), "ValidationException");
}

// The same, WriteRequest: a put or a delete.
TEST_F(Batches, AWriteIsAPutOrADelete) {
  EXPECT_EQ(write_refusal("{}"), "ValidationException");
  EXPECT_EQ(write_refusal(R"({"PutRequest":{"Item":{"id":{"N":"1"}}},)"
                          R"("DeleteRequest":{"Key":{"id":{"N":"2"}}}})"),
            "ValidationException");
}

// The same, "DynamoDB rejects the entire batch write operation": a key that does not fit, an item
// that is too large.
TEST_F(Batches, OneBadWriteStopsAllOfThem) {
  const std::string large =
      R"({"id":{"N":"9"},"v":{"S":")" + std::string(400 * 1024, 'x') + R"("}})";
  for (const std::string& bad : {put_one(R"({"id":{"S":"9"}})"), put_one(R"({"v":{"N":"9"}})"),
                                 put_one(large), delete_one(R"({"id":{"N":"9"},"v":{"N":"9"}})"),
                                 put_one(R"({"id":{"N":"9"},"v":{"N":"x"}})")}) {
    EXPECT_EQ(write_refusal(put_one(key_json(1)) + "," + bad), "ValidationException")
        << bad.substr(0, 100);
    EXPECT_EQ(count(), "0");
  }
}

// API reference, ReturnConsumedCapacity: a consistent read of up to 4 KB is one unit.
TEST_F(Batches, CapacityIsTold) {
  put(table_, key_json(1));
  EXPECT_GT(read({key_of(1), key_of(2)}).units, 0);
}

}  // namespace
}  // namespace dynamodb_replicator::contract
