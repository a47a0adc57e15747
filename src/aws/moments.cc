#include "aws/moments.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace dynamodb_replicator::aws {
namespace {

namespace chrono = std::chrono;

// Takes digits off the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  bool skip(std::string_view expected) {
    const bool there = text_.starts_with(expected);
    if (there) text_.remove_prefix(expected.size());
    return there;
  }
  void expect(std::string_view expected) {
    if (!skip(expected)) good_ = false;
  }
  bool digit() const { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
  std::string_view word(std::size_t length) {
    const std::string_view taken = text_.substr(0, length);
    text_.remove_prefix(taken.size());
    return taken;
  }
  bool good() const { return good_; }
  bool ended() const { return good_ && text_.empty(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::optional<WallTime> instant(int year, int month, int day, int hour, int minute, int second) {
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime(chrono::sys_days(date)) + chrono::hours(hour) + chrono::minutes(minute) +
         chrono::seconds(second);
}

}  // namespace

std::string basic_iso(WallTime at) {
  const auto day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(chrono::floor<chrono::seconds>(at - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(time.hours().count()),
                int(time.minutes().count()), int(time.seconds().count()));
  return text.data();
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Reader reader(text);
  reader.word(3);
  reader.expect(", ");
  const int day = reader.number(2);
  reader.expect(" ");
  const std::string_view name = reader.word(3);
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == name) month = static_cast<int>(i) + 1;
  }
  reader.expect(" ");
  const int year = reader.number(4);
  reader.expect(" ");
  const int hour = reader.number(2);
  reader.expect(":");
  const int minute = reader.number(2);
  reader.expect(":");
  const int second = reader.number(2);
  reader.expect(" GMT");
  if (!reader.ended()) return std::nullopt;
  return instant(year, month, day, hour, minute, second);
}

std::optional<WallTime> parse_iso(std::string_view text) {
  Reader reader(text);
  const int year = reader.number(4);
  reader.expect("-");
  const int month = reader.number(2);
  reader.expect("-");
  const int day = reader.number(2);
  reader.expect("T");
  const int hour = reader.number(2);
  reader.expect(":");
  const int minute = reader.number(2);
  reader.expect(":");
  const int second = reader.number(2);
  chrono::microseconds fraction{0};
  if (reader.skip(".")) {
    if (!reader.digit()) return std::nullopt;
    for (int weight = 100000; reader.digit(); weight /= 10) {
      fraction += chrono::microseconds(weight * reader.number(1));
    }
  }
  chrono::minutes offset{0};
  if (!reader.skip("Z")) {
    const bool west = reader.skip("-");
    if (!west) reader.expect("+");
    const int hours = reader.number(2);
    reader.skip(":");
    offset = chrono::minutes(hours * 60 + reader.number(2)) * (west ? -1 : 1);
  }
  if (!reader.ended()) return std::nullopt;
  const auto at = instant(year, month, day, hour, minute, second);
  if (!at) return std::nullopt;
  return *at + fraction - offset;
}

}  // namespace dynamodb_replicator::aws
