#include "sim/writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::sim {
namespace {

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

struct Spelled {
  std::string normal;
  std::string wire;
  std::string other;
};

// The same value three times: as the service keeps it and as two callers write it.
Spelled spell(const std::string& type, std::size_t number) {
  const std::string digits = std::to_string(number);
  if (type == "N") {
    const std::string big = number % 3 == 0 ? "1234567890123456789" + digits : digits;
    return {R"({"N":")" + big + "\"}", R"({"N":")" + big + "\"}", R"({"N":")" + big + ".0\"}"};
  }
  if (type == "B") {
    const std::string bytes = {static_cast<char>(number), '\xff', static_cast<char>(number / 256)};
    std::string array;
    for (const char c : bytes)
      array += (array.empty() ? "" : ",") + std::to_string(static_cast<unsigned char>(c));
    const std::string base64 = R"({"B":")" + base::to_base64(bytes) + "\"}";
    const std::string buffer = number % 2 == 0
                                   ? R"({"B":[)" + array + "]}"
                                   : R"({"B":{"type":"Buffer","data":[)" + array + "]}}";
    return {base64, base64, buffer};
  }
  const std::string text =
      base::to_json_string(number % 4 == 1 ? "k\"\xC3\xA9/" + digits : "k" + digits);
  return {R"({"S":)" + text + "}", R"({"S":)" + text + "}", R"({"S":)" + text + "}"};
}

}  // namespace

Writer::Writer(World& world, Table& primary, Kinesis* kinesis, Options options)
    : world_(world),
      primary_(primary),
      kinesis_(kinesis),
      options_(options),
      prng_(world.part("writer")) {
  for (std::size_t i = 0; i < options_.keys; ++i) keys_.push_back(make_key(i));
  if (world_.faults().on(Fault::poison_item)) reserved_ = 1;
}

Writer::Key Writer::make_key(std::size_t number) {
  const Schema& schema = primary_.schema();
  const Spelled hash = spell(schema.hash.type, schema.range ? number / 3 : number);
  Key key;
  key.item[schema.hash.name] = hash.normal;
  const std::string hash_name = base::to_json_string(schema.hash.name) + ":";
  if (!schema.range) {
    key.wire = "{" + hash_name + hash.wire + "}";
    key.other = "{" + hash_name + hash.other + "}";
    return key;
  }
  const Spelled range = spell(schema.range->type, number % 3 + 1);
  const std::string range_name = base::to_json_string(schema.range->name) + ":";
  key.item[schema.range->name] = range.normal;
  key.wire = "{" + hash_name + hash.wire + "," + range_name + range.wire + "}";
  key.other = "{" + range_name + range.other + "," + hash_name + hash.other + "}";
  return key;
}

std::string Writer::hex(std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(prng_.below(256)));
  return base::to_hex(out);
}

// Some of the ten types, with values that careless copies change.
std::string Writer::random_attributes() {
  static const std::vector<std::string> kPieces{
      R"("s":{"S":"text \"quoted\" \u00e9 \ud83d\ude00 / \\ \n"})",
      R"("empty":{"S":""})",
      R"("n":{"N":"12345678901234567890123456789012345678"})",
      R"("small":{"N":"-0.000000000000000000000000000000000001230"})",
      R"("huge":{"N":"1e120"})",
      R"("b":{"B":"AAH+/w=="})",
      R"("t":{"BOOL":true})",
      R"("f":{"BOOL":false})",
      R"("null":{"NULL":true})",
      R"("ss":{"SS":["b","a","c"]})",
      R"("ns":{"NS":["10","9","1e1000000"]})",
      R"("bs":{"BS":["AQ==","AA=="]})",
      R"("l":{"L":[{"N":"1"},{"S":"x"},{"L":[]},{"M":{}}]})",
      R"("m":{"M":{"z":{"N":"1.50"},"a":{"M":{"deep":{"NULL":true}}}}})",
  };
  std::string out;
  for (const std::string& piece : kPieces) {
    if (piece.find("1e1000000") == piece.npos && prng_.chance(1, 4)) out += "," + piece;
  }
  if (prng_.chance(1, 100))
    out += R"(,"long":{"S":")" + std::string(prng_.below(30'000), 'x') + "\"}";
  return out;
}

Item Writer::make_item(const Key& key) {
  const std::string text =
      R"({"change":{"N":")" + std::to_string(changes_) + "\"}" + random_attributes() + "}";
  Json json;
  INVARIANT(parser_.parse(text).get(json) == simdjson::SUCCESS, "the writer makes valid JSON");
  auto item = parse_item(json);
  INVARIANT(item.ok(), "the writer makes valid items");
  for (const auto& [name, value] : key.item) (*item)[name] = value;
  return *item;
}

void Writer::fill() {
  for (std::size_t index = 0; index < keys_.size(); ++index) put_fresh(index, false);
}

void Writer::start(Duration end) {
  for (std::size_t index = 0; options_.last_changes && index < keys_.size(); ++index) {
    const Duration first = end - between(prng_, 1s, kLastChanges);
    world_.at(first, [this, index] { change(index, Spelling::usual); });
    world_.at(first + between(prng_, 1ms, 1500ms),
              [this, index] { change(index, Spelling::other); });
  }
  go_on(end - kLastChanges);
}

// As fast as it takes to make so many changes in the time that is left; now and then it is quiet
// for a while, and must then hurry.
Duration Writer::pause_until(Duration end) {
  constexpr double kChangesAtOnce = 1.5;  // of one round of go_on()
  const std::uint64_t last = options_.last_changes ? 2 * keys_.size() : 0;
  const std::uint64_t missing = options_.changes > changes_ + last
                                    ? options_.changes - changes_ - last
                                    : options_.changes / 20;
  const Duration left = std::max<Duration>(end - world_.now(), 1s);
  const double rounds = static_cast<double>(missing) / kChangesAtOnce;
  const auto mean = std::chrono::duration_cast<Duration>(left / rounds);
  if (left > 10s && prng_.chance(1, 300)) return between(prng_, 1s, 6s);
  return between(prng_, 1ms, std::max<Duration>(mean * 2, 2ms));
}

void Writer::go_on(Duration end) {
  const Duration over = end + world_.skipped();
  const Duration pause = pause_until(over);
  if (world_.now() + pause > over) return finish(over);
  world_.after(pause, [this, end] {
    const std::size_t index = choose_key();
    change(index);
    if (!poisoned_ && world_.faults().strikes(Fault::poison_item)) poison();
    const std::uint64_t more = prng_.chance(1, 4) ? 1 + prng_.below(3) : 0;
    const Duration within = prng_.chance(1, 2) ? 80ms : 2s;
    for (std::uint64_t i = 0; i < more; ++i) {
      const Duration later = between(prng_, 1ms, within);
      if (world_.now() + later <= end + world_.skipped())
        world_.after(later, [this, index] { change(index); });
    }
    go_on(end);
  });
}

// What is still missing comes at once.
void Writer::finish(Duration over) {
  const std::uint64_t made = changes_ + (options_.last_changes ? 2 * keys_.size() : 0);
  for (std::uint64_t i = made; i < options_.changes; ++i) {
    world_.at(between(prng_, world_.now(), std::max(over, world_.now())),
              [this] { change(choose_key()); });
  }
}

// A few keys are hot.
std::size_t Writer::choose_key() {
  const std::size_t hot = std::max<std::size_t>(1, keys_.size() / 8);
  return prng_.below(prng_.chance(1, 2) ? hot : keys_.size() - reserved_);
}

void Writer::touch(const Item& key) {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].item == key) put_fresh(i, false);
  }
}

void Writer::put_fresh(std::size_t index, bool poisoned) {
  const Key& key = keys_[index];
  ++changes_;
  Item next = make_item(key);
  if (poisoned) next[kPoison] = R"({"S":"x"})";
  primary_.put(next);
  tell(key, Spelling::usual, "INSERT", item_json(next));
  world_.trace("writer", "change", *primary_.key_of(key.item, true));
}

// Once in a run, for a moment, an item is what the replica refuses. Its key is the last one, which
// is not changed before: a reader that is behind would find all of its records refused then, and
// where many are, the whole stream is taken to be the wrong one.
void Writer::poison() {
  poisoned_ = true;
  const std::size_t index = keys_.size() - 1;
  put_fresh(index, true);
  world_.after(between(prng_, 100ms, 2s), [this, index] {
    put_fresh(index, false);
    reserved_ = 0;
  });
}

void Writer::change(std::size_t index, Spelling spelling) {
  const Key& key = keys_[index];
  ++changes_;
  const auto canonical = primary_.key_of(key.item, true);
  const Item* current = primary_.find(*canonical);
  // The first of a key's last two changes changes something in any case.
  const std::uint64_t kind = spelling == Spelling::usual ? 19 : prng_.below(20);
  if (kind < 4) {
    primary_.erase(key.item);
    tell(key, spelling, "REMOVE", "");
  } else if (kind < 8 && current != nullptr) {
    Item next = *current;
    next["change"] = R"({"N":")" + std::to_string(changes_) + "\"}";
    primary_.put(next);
    tell(key, spelling, "MODIFY", item_json(next));
  } else if (kind == 8 && current != nullptr) {
    const Item same = *current;
    primary_.put(same);
    tell(key, spelling, "INSERT", item_json(same));
  } else {
    const Item next = make_item(key);
    primary_.put(next);
    tell(key, spelling, "INSERT", item_json(next));
  }
  world_.trace("writer", "change", *canonical);
}

void Writer::tell(const Key& key, Spelling spelling, const char* event, const std::string& image) {
  if (options_.records == Records::none) return;
  const auto canonical = primary_.key_of(key.item, true);
  if (options_.records == Records::aws) {
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(world_.wall().time_since_epoch())
            .count();
    put_record(upper(base::to_hex(base::md5(*canonical))),
               R"({"awsRegion":"us-east-1","eventID":")" + hex(16) + R"(","eventName":")" + event +
                   R"(","userIdentity":null,"recordFormat":"application/json","tableName":)" +
                   base::to_json_string(primary_.name()) +
                   R"(,"dynamodb":{"ApproximateCreationDateTime":)" + std::to_string(millis) +
                   R"(,"Keys":)" + item_json(key.item, prng_) +
                   (image.empty() ? "" : R"(,"NewImage":)" + image) +
                   R"(,"SizeBytes":100},"eventSource":"aws:dynamodb"})",
               *canonical);
    return;
  }
  const bool other = world_.faults().on(Fault::two_spellings) && spelling != Spelling::usual &&
                     (spelling == Spelling::other || world_.faults().strikes(Fault::two_spellings));
  const std::string& spelled = other ? key.other : key.wire;
  put_record(spelled,
             R"({"awsRegion":"us-east-1","eventID":")" + hex(16) + R"(","eventName":")" + event +
                 R"(","eventSource":"aws:dynamodb","eventVersion":"1.0","dynamodb":{"Keys":)" +
                 spelled + unheard() +
                 R"(,"SequenceNumber":"0","SizeBytes":0,"StreamViewType":"KEYS_ONLY"}})",
             *canonical);
  if (junk_ >= options_.junk_max) return;
  if (world_.faults().strikes(Fault::junk)) put_junk();
  for (const Fault kind : {Fault::wrong_schema, Fault::oversize_record}) {
    if (world_.faults().strikes(kind)) put_wrong(kind);
  }
}

void Writer::put_wrong(Fault kind) {
  ++junk_;
  const std::string data =
      kind == Fault::wrong_schema
          ? R"({"eventName":"MODIFY","dynamodb":{"Keys":{"customer":{"N":"7"},"order":{"S":"x"}}}})"
          : R"({"eventName":"MODIFY","dynamodb":{"Keys":{"id":{"S":")" + std::string(300'000, 'x') +
                R"("},"more":{"S":"y"}}}})";
  kinesis_->put(hex(4), data, "", 0);
}

std::string Writer::unheard() {
  return world_.faults().strikes(Fault::unknown_field) ? R"(,"Unheard":{"of":[1,null]})" : "";
}

void Writer::put_record(const std::string& partition_key, const std::string& data,
                        const std::string& canonical) {
  Duration later = between(prng_, 1ms, 30ms);
  if (world_.faults().strikes(Fault::reordered_record)) later += between(prng_, 1ms, 3s);
  const int times = world_.faults().strikes(Fault::duplicate_record) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    world_.after(later, [this, partition_key, data, canonical] {
      kinesis_->put(partition_key, data, canonical, primary_.history(canonical).size() - 1);
    });
    quiet_from_ = std::max(quiet_from_, world_.now() + later);
    later += between(prng_, 1ms, 2s);
  }
}

void Writer::put_junk() {
  static const std::vector<std::string> kJunk{
      "this is not JSON",
      "{}",
      "[1,2,3]",
      R"({"dynamodb":{"Keys":{}}})",
      R"({"dynamodb":{"Keys":{"other":{"S":"x"}}}})",
      R"({"dynamodb":{"Keys":{"id":{"NULL":true}}}})",
      R"({"eventName":"INSERT","dynamodb":{"Keys":{"id":{"S":"cut of)",
      std::string("\x00\xff\xfe", 3),
  };
  ++junk_;
  kinesis_->put(hex(4), kJunk[prng_.below(kJunk.size())], "", 0);
}

}  // namespace dynamodb_replicator::sim
