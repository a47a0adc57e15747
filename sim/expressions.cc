#include "sim/expressions.h"

#include <functional>
#include <map>
#include <vector>

namespace dynamodb_replicator::sim {
namespace {

std::vector<std::string> split(std::string_view text) {
  const auto wordy = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '#' || c == ':';
  };
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    std::size_t end = i + 1;
    if (c == ' ' || c == '\n' || c == '\t') {
      i = end;
      continue;
    }
    if (wordy(c)) {
      while (end < text.size() && wordy(text[end])) ++end;
    } else if ((c == '<' || c == '>') && end < text.size() &&
               (text[end] == '=' || text[end] == '>')) {
      ++end;
    }
    out.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return out;
}

// The program has a dozen expressions and asks them of every row.
const std::vector<std::string>& tokens_of(std::string_view text) {
  static std::map<std::string, std::vector<std::string>, std::less<>> known;
  const auto found = known.find(text);
  if (found != known.end()) return found->second;
  return known.emplace(text, split(text)).first->second;
}

// Non-negative integers by value, strings by bytes; what the program never compares is refused.
std::optional<int> order_of(std::string_view a, std::string_view b) {
  if (type_of(a) != type_of(b)) return std::nullopt;
  const std::string_view x = scalar_text(a);
  const std::string_view y = scalar_text(b);
  if (type_of(a) == "N") {
    if (x.find_first_of("-.") != x.npos || y.find_first_of("-.") != y.npos) return std::nullopt;
    if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  }
  return x.compare(y);
}

// Recursive descent; the first error wins and the rest of the walk does no harm.
class Reader {
 public:
  Reader(std::string_view text, const Item& item, const Substitutes& substitutes)
      : tokens_(tokens_of(text)), item_(item), substitutes_(substitutes) {}

  bool condition() {
    bool value = conjunction();
    while (take("OR")) {
      const bool right = conjunction();
      value = value || right;
    }
    return value;
  }

  Item update() {
    Item out = item_;
    while (!at_end() && !error_) {
      if (take("SET")) {
        do assign(out);
        while (take(","));
      } else if (take("REMOVE")) {
        do out.erase(name());
        while (take(","));
      } else {
        refuse("unknown clause " + peek());
      }
    }
    return out;
  }

  [[nodiscard]] bool at_end() const { return next_ == tokens_.size(); }
  [[nodiscard]] const std::optional<ServiceError>& error() const { return error_; }

 private:
  using Operand = std::optional<std::string>;  // nullopt: no such attribute

  bool conjunction() {
    bool value = factor();
    while (take("AND")) {
      const bool right = factor();
      value = value && right;
    }
    return value;
  }

  bool factor() {
    if (take("NOT")) return !factor();
    if (take("(")) {
      const bool value = condition();
      expect(")");
      return value;
    }
    if (take("attribute_not_exists")) return !item_.contains(argument());
    if (take("attribute_exists")) return item_.contains(argument());
    if (take("begins_with")) return begins_with();
    return comparison();
  }

  std::string argument() {
    expect("(");
    std::string given = name();
    expect(")");
    return given;
  }

  bool begins_with() {
    expect("(");
    const Operand left = operand();
    expect(",");
    const Operand right = operand();
    expect(")");
    return left && right && type_of(*left) == type_of(*right) &&
           scalar_text(*left).substr(0, scalar_text(*right).size()) == scalar_text(*right);
  }

  bool comparison() {
    const Operand left = operand();
    const std::string& sign = peek();
    if (sign != "=" && sign != "<>" && sign != "<" && sign != "<=" && sign != ">" && sign != ">=") {
      refuse("unknown comparison " + sign);
      return false;
    }
    ++next_;
    const Operand right = operand();
    if (sign == "=") return left && right && *left == *right;
    if (sign == "<>") return !(left && right && *left == *right);
    if (!left || !right) return false;
    const auto order = order_of(*left, *right);
    if (!order) {
      refuse("values that cannot be compared here");
      return false;
    }
    if (sign == "<") return *order < 0;
    if (sign == "<=") return *order <= 0;
    return sign == ">" ? *order > 0 : *order >= 0;
  }

  void assign(Item& out) {
    const std::string target = name();
    expect("=");
    Operand value;
    if (take("if_not_exists")) {
      expect("(");
      value = operand();
      expect(",");
      const Operand otherwise = operand();
      expect(")");
      if (!value) value = otherwise;
    } else {
      value = operand();
    }
    if (take("+")) value = sum(value, operand());
    if (!value) {
      refuse("The provided expression refers to an attribute that does not exist in the item");
      return;
    }
    out[target] = *value;
  }

  Operand sum(const Operand& a, const Operand& b) {
    if (!a || !b || type_of(*a) != "N" || type_of(*b) != "N") {
      refuse("An operand in the update expression has an incorrect data type");
      return std::nullopt;
    }
    return "{\"N\":\"" +
           std::to_string(std::stoll(std::string(scalar_text(*a))) +
                          std::stoll(std::string(scalar_text(*b)))) +
           "\"}";
  }

  Operand operand() {
    if (peek().starts_with(":")) {
      const auto found = substitutes_.values.find(peek());
      if (found == substitutes_.values.end()) {
        refuse("An expression attribute value used in expression is not defined: " + peek());
        return std::nullopt;
      }
      ++next_;
      return found->second;
    }
    const auto found = item_.find(name());
    if (found == item_.end()) return std::nullopt;
    return found->second;
  }

  std::string name() {
    const std::string& token = peek();
    if (token.empty() || token[0] == ':' || token.find_first_of("()=<>,+") != token.npos) {
      refuse("expected a name, not " + token);
      return {};
    }
    ++next_;
    if (token[0] != '#') return token;
    const auto found = substitutes_.names.find(token);
    if (found != substitutes_.names.end()) return found->second;
    refuse("An expression attribute name used in the document path is not defined: " + token);
    return {};
  }

  [[nodiscard]] const std::string& peek() const {
    static const std::string kNothing;
    return at_end() ? kNothing : tokens_[next_];
  }
  bool take(std::string_view token) {
    if (at_end() || tokens_[next_] != token) return false;
    ++next_;
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) refuse("expected " + std::string(token) + " before " + peek());
  }
  void refuse(const std::string& why) {
    if (!error_) error_ = validation("Invalid expression: " + why);
    next_ = tokens_.size();
  }

  const std::vector<std::string>& tokens_;
  std::size_t next_ = 0;
  const Item& item_;
  const Substitutes& substitutes_;
  std::optional<ServiceError> error_;
};

}  // namespace

Result<Substitutes, ServiceError> substitutes_of(Json request) {
  Substitutes out;
  if (const auto names = member(request, "ExpressionAttributeNames")) {
    simdjson::dom::object object;
    if (names->get(object) != simdjson::SUCCESS)
      return validation("ExpressionAttributeNames is no map");
    for (const auto field : object) {
      std::string_view name;
      if (field.value.get(name) != simdjson::SUCCESS) return validation("a name that is no string");
      out.names[std::string(field.key)] = std::string(name);
    }
  }
  if (const auto values = member(request, "ExpressionAttributeValues")) {
    auto parsed = parse_item(*values);
    if (!parsed) return parsed.error();
    out.values = std::move(*parsed);
  }
  return out;
}

Result<bool, ServiceError> holds(std::string_view condition, const Item& item,
                                 const Substitutes& substitutes) {
  Reader reader(condition, item, substitutes);
  const bool value = reader.condition();
  if (reader.error()) return *reader.error();
  if (!reader.at_end()) return validation("Invalid expression: something is left over");
  return value;
}

Result<Item, ServiceError> updated(std::string_view update, const Item& item,
                                   const Substitutes& substitutes) {
  Reader reader(update, item, substitutes);
  Item out = reader.update();
  if (reader.error()) return *reader.error();
  return out;
}

}  // namespace dynamodb_replicator::sim
