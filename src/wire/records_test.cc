#include "wire/records.h"

#include <gtest/gtest.h>

namespace dynamodb_replicator::wire {
namespace {

using item::KeyType;

const RecordForm kForm{{{"id", KeyType::string}, std::nullopt}, ""};
const RecordForm kPair{{{"id", KeyType::string}, item::KeyAttribute{"collection", KeyType::string}},
                       ""};
const RecordForm kBinary{{{"b", KeyType::binary}, std::nullopt}, ""};

std::string wire(const Record& record) {
  if (const auto* key = std::get_if<item::KeyRef>(&record.entry)) return (*key)->wire();
  if (const auto* bad = std::get_if<BadRecord>(&record.entry)) return bad->reason;
  return "foreign";
}

std::string wire(std::string_view json, const RecordForm& form = kForm) {
  return wire(decode_record(json, form));
}

// What dyno 0.11 puts: keys only, a sequence number that says nothing.
std::string dyno(const std::string& keys, const std::string& id_field = "eventID",
                 const std::string& name = "MODIFY") {
  return R"({"awsRegion":"us-east-1",")" + id_field +
         R"(":"0123456789abcdef0123456789abcdef","eventName":")" + name +
         R"(","eventSource":"aws:dynamodb","eventVersion":"1.0","dynamodb":{"Keys":)" + keys +
         R"(,"SequenceNumber":"0","SizeBytes":0,"StreamViewType":"KEYS_ONLY"}})";
}

const char* const kFromAws =
    R"({"awsRegion":"ap-northeast-2","eventID":"6b7a","eventName":"INSERT","userIdentity":null,"recordFormat":"application/json",)"
    R"("tableName":"my-table","dynamodb":{"ApproximateCreationDateTime":1721011165891550,"Keys":{"id":{"S":"a"}},)"
    R"("NewImage":{"id":{"S":"a"},"x":{"L":[{"N":"1"}]}},"OldImage":{},"SizeBytes":120,)"
    R"("ApproximateCreationDateTimePrecision":"MICROSECOND"},"eventSource":"aws:dynamodb"})";

TEST(Record, KeysOnlyAsDynoPutsThem) {
  const Record record = decode_record(dyno(R"({"id":{"S":"a"}})"), kForm);
  EXPECT_EQ(wire(record), R"({"id":{"S":"a"}})");
  EXPECT_EQ(record.sequence, "0");
  EXPECT_FALSE(record.at.has_value());
  EXPECT_FALSE(record.from_aws);
  EXPECT_EQ(wire(dyno(R"({"id":{"S":"a"}})", "eventId")), R"({"id":{"S":"a"}})");
  EXPECT_EQ(wire(dyno(R"({"id":{"S":"a"}})", "eventID", "DELETE")), R"({"id":{"S":"a"}})");
}

TEST(Record, AttributesInAnyOrderAreOneKey) {
  const auto a = decode_record(dyno(R"({"id":{"S":"a"},"collection":{"S":"x"}})"), kPair);
  const auto b = decode_record(dyno(R"({"collection":{"S":"x"},"id":{"S":"a"}})"), kPair);
  EXPECT_EQ(*std::get<item::KeyRef>(a.entry), *std::get<item::KeyRef>(b.entry));
}

TEST(Record, BinaryKeysInThreeSpellings) {
  for (const char* keys : {R"({"b":{"B":"AQID"}})", R"({"b":{"B":[1,2,3]}})",
                           R"({"b":{"B":{"type":"Buffer","data":[1,2,3]}}})"}) {
    EXPECT_EQ(wire(dyno(keys), kBinary), R"({"b":{"B":"AQID"}})") << keys;
  }
}

TEST(Record, OfDynamoDbStreamsOfAnyView) {
  const char* json =
      R"({"eventID":"1","eventName":"REMOVE","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",)"
      R"("dynamodb":{"ApproximateCreationDateTime":1479499740,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"}},)"
      R"("OldImage":{"n":{"N":"12345678901234567890"}},"SequenceNumber":"111000000000000000000001","SizeBytes":26,)"
      R"("StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:x","userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}})";
  const Record record = decode_record(json, kForm);
  EXPECT_EQ(wire(record), R"({"id":{"S":"a"}})");
  EXPECT_EQ(record.sequence, "111000000000000000000001");
  EXPECT_EQ(record.at, WallTime{1479499740s});
  EXPECT_FALSE(record.from_aws);
}

TEST(Record, OfKinesisForDynamoDb) {
  const Record record = decode_record(kFromAws, kForm);
  EXPECT_EQ(wire(record), R"({"id":{"S":"a"}})");
  EXPECT_EQ(record.at, WallTime{1721011165891550us});
  EXPECT_TRUE(record.from_aws);
}

TEST(Record, MarksOfAwsAreAllNeeded) {
  const std::string whole = kFromAws;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("recordFormat":"application/json",)", ""},
           {R"("tableName":"my-table",)", ""},
           {R"("eventSource":"aws:dynamodb")", R"("eventSource":"mine")"},
           {R"("eventName")", R"("eventVersion":"1.0","eventName")"},
           {R"("SizeBytes")", R"("SequenceNumber":"0","SizeBytes")"},
           {R"("ApproximateCreationDateTime":1721011165891550,)", ""}}) {
    std::string changed = whole;
    ASSERT_NE(changed.find(from), std::string::npos);
    changed.replace(changed.find(from), from.size(), to);
    const Record record = decode_record(changed, kForm);
    EXPECT_EQ(wire(record), R"({"id":{"S":"a"}})") << changed;
    EXPECT_FALSE(record.from_aws) << changed;
  }
}

TEST(Record, OnlyKeysAreNeeded) {
  EXPECT_EQ(wire(R"({"dynamodb":{"Keys":{"id":{"S":"a"}}}})"), R"({"id":{"S":"a"}})");
  EXPECT_EQ(
      wire(
          R"({"new":{"dynamodb":7},"dynamodb":{"x":[[{}]],"Keys":{"id":{"S":"a"}},"y":1e999},"big":123456789012345678901234567890})"),
      R"({"id":{"S":"a"}})");
  const std::string deep = std::string(50000, '[') + std::string(50000, ']');
  EXPECT_EQ(wire(R"({"x":)" + deep + R"(,"dynamodb":{"Keys":{"id":{"S":"a"}}}})"),
            R"({"id":{"S":"a"}})");
}

TEST(Record, OtherTablesAreNotOurs) {
  RecordForm form = kForm;
  form.table = "my-table";
  EXPECT_EQ(wire(kFromAws, form), R"({"id":{"S":"a"}})");
  form.table = "other";
  EXPECT_EQ(wire(kFromAws, form), "foreign");
  EXPECT_EQ(wire(R"({"dynamodb":{"Keys":{"their":{"N":"1"}}},"tableName":"theirs"})", form),
            "foreign");
  EXPECT_EQ(wire(R"({"table":"theirs","dynamodb":{"Keys":{"id":{"S":"a"}}}})", form), "foreign");
  EXPECT_EQ(wire(R"({"table":"other","dynamodb":{"Keys":{"id":{"S":"a"}}}})", form),
            R"({"id":{"S":"a"}})");
  EXPECT_EQ(wire(dyno(R"({"id":{"S":"a"}})"), form), R"({"id":{"S":"a"}})");  // names no table
  EXPECT_EQ(wire(R"({"table":"theirs","dynamodb":{"Keys":{"id":{"S":"a"}}}})"),
            R"({"id":{"S":"a"}})");
}

TEST(Record, SaysWhyItIsBad) {
  EXPECT_EQ(wire("hello"), "the record is not a JSON object");
  EXPECT_EQ(wire(""), "the record is not a JSON object");
  EXPECT_EQ(wire("[1]"), "the record is not a JSON object");
  EXPECT_EQ(wire("\xff\xfe"), "the record is not a JSON object");
  EXPECT_EQ(wire("{}"), "the record has no dynamodb object");
  EXPECT_EQ(wire(R"({"dynamodb":7})"), "the record has no dynamodb object");
  EXPECT_EQ(wire(R"({"dynamodb":{}})"), "the record has no dynamodb.Keys");
  EXPECT_EQ(wire(R"({"dynamodb":{"Keys":null}})"),
            "dynamodb.Keys do not match the key schema id (S): they are not a JSON object");
  EXPECT_EQ(
      wire(R"({"dynamodb":{"Keys":{"id":{"N":"1"}}}})"),
      R"(dynamodb.Keys do not match the key schema id (S): key attribute "id" is not of type S)");
  EXPECT_EQ(wire(dyno(R"({"id":{"S":"a"},"n":{"S":"a"}})")),
            "dynamodb.Keys do not match the key schema id (S): has an attribute that is not in the "
            "key schema");
}

TEST(Record, ABrokenTailIsNoticed) {
  const std::string whole = dyno(R"({"id":{"S":"a"}})");
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    EXPECT_EQ(wire(whole.substr(0, cut)), "the record is not a JSON object") << cut;
  }
  EXPECT_EQ(wire(whole + whole), "the record is not a JSON object");
}

TEST(Record, TimesInFourUnits) {
  EXPECT_EQ(time_from_number(1479499740), WallTime{1479499740s});
  EXPECT_EQ(time_from_number(1479499740.25), WallTime{1479499740250ms});
  EXPECT_EQ(time_from_number(1479499740250), WallTime{1479499740250ms});
  EXPECT_EQ(time_from_number(1479499740250125), WallTime{1479499740250125us});
  EXPECT_EQ(time_from_number(0), WallTime{});
  EXPECT_EQ(time_from_number(-5), WallTime{});
  EXPECT_EQ(time_from_number(1e300), WallTime{});
}

}  // namespace
}  // namespace dynamodb_replicator::wire
