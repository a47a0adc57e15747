// What the service answers to each operation, and what it counts: read and write units by AWS's
// rules.
#pragma once

#include <simdjson.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "http.h"
#include "table.h"

namespace bench {

struct Counted {
  double read_units = 0, write_units = 0;
  std::map<std::string, uint64_t, std::less<>> requests;  // by operation
  uint64_t scanned_items = 0, read_items = 0, written_items = 0;
};

class Service {
 public:
  void add(TableSpec spec);
  Answer answer(const Request& request);

 private:
  struct Entry {
    explicit Entry(TableSpec spec) : table(std::move(spec)) {}
    Table table;
    Counted counted;
  };
  using Object = simdjson::dom::object;

  Answer admin(std::string_view path);
  Answer operate(std::string_view operation, Object request);
  Entry& entry(std::string_view name);

  std::string describe(Object request);
  std::string scan(Object request);
  std::string get_item(Object request);
  std::string batch_get(Object request);
  std::string write_one(Object request, std::string_view kind);
  std::string batch_write(Object request);
  double write(Entry& entry, Object item, bool put);

  std::map<std::string, std::unique_ptr<Entry>, std::less<>> tables_;
  simdjson::dom::parser parser_;
};

}  // namespace bench
