#include "wire/errors.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace dynamodb_replicator::wire {
namespace {

using simdjson::dom::element;

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// A member of the answer as text, names compared without case (services spell "message" in two
// ways).
std::optional<std::string> text_member(const simdjson::dom::object& object, std::string_view name) {
  for (const auto& field : object) {
    if (!equal_without_case(field.key, name)) continue;
    std::string_view text;
    if (field.value.get(text) == simdjson::SUCCESS) return std::string(text);
    std::int64_t number = 0;
    if (field.value.get(number) == simdjson::SUCCESS) return std::to_string(number);
  }
  return std::nullopt;
}

// "com.amazonaws.dynamodb.v20120810#X:http://..." -> "X".
std::string bare_code(std::string_view code) {
  code = code.substr(0, code.find(','));
  if (const auto hash = code.rfind('#'); hash != code.npos) code.remove_prefix(hash + 1);
  code = code.substr(0, code.find(':'));
  std::string bare;
  for (const char c : code) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-') {
      bare += c;
    }
  }
  return bare.substr(0, 100);
}

struct Parsed {
  bool json = false;
  std::string code;
  std::string message;
  std::vector<std::string> reasons;
};

std::vector<std::string> reasons_of(const simdjson::dom::object& object) {
  std::vector<std::string> codes;
  simdjson::dom::array reasons;
  if (object["CancellationReasons"].get(reasons) != simdjson::SUCCESS) return codes;
  for (const element reason : reasons) {
    std::string_view code;
    codes.emplace_back(reason["Code"].get(code) == simdjson::SUCCESS ? code : "None");
  }
  return codes;
}

Parsed parse(const ErrorAnswer& answer) {
  Parsed parsed;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(answer.body.data(), answer.body.size()).get(object) == simdjson::SUCCESS) {
    parsed.json = true;
    parsed.code = bare_code(text_member(object, "__type").value_or(""));
    if (parsed.code.empty()) parsed.code = bare_code(text_member(object, "code").value_or(""));
    parsed.message = text_member(object, "message").value_or("");
    parsed.reasons = reasons_of(object);
  }
  if (parsed.code.empty()) parsed.code = bare_code(answer.error_type);
  return parsed;
}

using Codes = std::span<const std::string_view>;

constexpr std::array<std::string_view, 14> kThrottling = {"ProvisionedThroughputExceededException",
                                                          "ThrottlingException",
                                                          "Throttling",
                                                          "ThrottledException",
                                                          "RequestLimitExceeded",
                                                          "RequestThrottled",
                                                          "RequestThrottledException",
                                                          "TooManyRequestsException",
                                                          "SlowDown",
                                                          "BandwidthLimitExceeded",
                                                          "PriorRequestNotComplete",
                                                          "LimitExceededException",
                                                          "TransactionInProgressException",
                                                          "KMSThrottlingException"};

constexpr std::array<std::string_view, 9> kTransient = {
    "InternalServerError",      "InternalServerException", "InternalFailure",
    "InternalFailureException", "ServiceUnavailable",      "ServiceUnavailableException",
    "RequestTimeoutException",  "RequestTimeout",          "ReplicatedWriteConflictException"};

constexpr std::array<std::string_view, 8> kDenied = {
    "AccessDeniedException", "AccessDenied",
    "OptInRequired",         "KMSAccessDeniedException",
    "KMSDisabledException",  "KMSNotFoundException",
    "KMSOptInRequired",      "KMSInvalidStateException"};

constexpr std::array<std::string_view, 6> kCredentials = {"MissingAuthenticationTokenException",
                                                          "MissingAuthenticationToken",
                                                          "IncompleteSignatureException",
                                                          "IncompleteSignature",
                                                          "NotAuthorized",
                                                          "InvalidSecurityException"};

constexpr std::array<std::string_view, 6> kRefused = {
    "ExpiredTokenException", "ExpiredToken",       "UnrecognizedClientException",
    "InvalidClientTokenId",  "InvalidAccessKeyId", "TokenRefreshRequired"};

constexpr std::array<std::string_view, 8> kClock = {"RequestTimeTooSkewed",
                                                    "RequestExpired",
                                                    "RequestExpiredException",
                                                    "RequestInTheFuture",
                                                    "InvalidSignatureException",
                                                    "SignatureDoesNotMatch",
                                                    "AuthFailure",
                                                    "InvalidSignature"};

// The service answered in its own words that it will never take this request.
constexpr std::array<std::string_view, 7> kInvalid = {"ValidationException",
                                                      "SerializationException",
                                                      "InvalidArgumentException",
                                                      "ItemCollectionSizeLimitExceededException",
                                                      "IdempotentParameterMismatchException",
                                                      "InvalidParameterValue",
                                                      "InvalidParameterException"};

bool among(std::string_view code, Codes codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// A cancelled transaction is as bad as its worst reason.
FailureKind kind_of_cancellation(const std::vector<std::string>& reasons) {
  bool throttled = false;
  bool conflict = false;
  bool invalid = false;
  for (const std::string& reason : reasons) {
    if (reason == "ConditionalCheckFailed") return FailureKind::condition_failed;
    if (reason == "TransactionConflict") conflict = true;
    if (reason == "ThrottlingError" || reason == "ProvisionedThroughputExceeded") throttled = true;
    if (reason == "ValidationError" || reason == "ItemCollectionSizeLimitExceeded") invalid = true;
  }
  if (invalid) return FailureKind::invalid;
  return throttled && !conflict ? FailureKind::throttled : FailureKind::conflict;
}

std::optional<FailureKind> kind_of_code(std::string_view code) {
  if (among(code, kThrottling)) return FailureKind::throttled;
  if (among(code, kTransient)) return FailureKind::transient;
  if (among(code, kDenied)) return FailureKind::denied;
  if (among(code, kCredentials) || among(code, kRefused) || among(code, kClock)) {
    return FailureKind::credentials;
  }
  if (among(code, kInvalid)) return FailureKind::invalid;
  if (code == "ConditionalCheckFailedException") return FailureKind::condition_failed;
  if (code == "TransactionConflictException") return FailureKind::conflict;
  if (code == "ResourceInUseException") return FailureKind::conflict;
  if (code == "ResourceNotFoundException" || code == "TableNotFoundException") {
    return FailureKind::not_found;
  }
  if (code == "ExpiredIteratorException" || code == "ExpiredNextTokenException") {
    return FailureKind::expired_iterator;
  }
  if (code == "TrimmedDataAccessException") return FailureKind::trimmed;
  if (code == "RequestEntityTooLarge" || code == "RequestEntityTooLargeException") {
    return FailureKind::too_large;
  }
  if (code == "UnknownOperationException" || code == "UnknownOperation") {
    return FailureKind::configuration;
  }
  return std::nullopt;
}

// `json`: it answered in the service's form, only with a code that is new to us; else something in
// between spoke.
FailureKind kind_of_status(int status, bool json) {
  if (status >= 500 || status == 408) return FailureKind::transient;
  if (status == 413) return FailureKind::too_large;
  if (status == 429) return FailureKind::throttled;
  if (status == 401 || status == 403) return FailureKind::denied;
  if (status == 400 && json) return FailureKind::invalid;
  if (status >= 300 && status < 500) return FailureKind::configuration;
  return FailureKind::unusable_answer;
}

std::string hint_for(FailureKind kind, std::string_view code, bool service_spoke) {
  if (code == "UnknownOperationException" || code == "UnknownOperation") {
    return "The endpoint does not know this operation; is it the right kind of service?";
  }
  if (kind == FailureKind::configuration && !service_spoke) {
    return "This does not look like the service; check the endpoint.";
  }
  if (among(code, kRefused)) return "Renew the credentials, or choose others by profile.";
  if (among(code, kClock)) return "Check the secret key, and this machine's clock.";
  if (kind == FailureKind::denied && service_spoke)
    return "Allow this operation to these credentials.";
  return "";
}

std::string text_for_status(int status, std::string_view body) {
  std::string text = "HTTP status " + std::to_string(status);
  if (body.empty()) return text + " with an empty body";
  return text + " with a body that is not the service's: " + clean_message(body, 120);
}

std::string message_of(const Parsed& parsed, const ErrorAnswer& answer) {
  std::string message = clean_message(parsed.message);
  if (!parsed.reasons.empty()) {
    // The service's text lists the reasons of up to 100 items; name the kinds that are not
    // innocent, once each.
    std::vector<std::string> guilty;
    for (const std::string& reason : parsed.reasons) {
      const bool seen = std::find(guilty.begin(), guilty.end(), reason) != guilty.end();
      if (reason != "None" && !seen) guilty.push_back(reason);
    }
    message = "the transaction was cancelled";
    for (std::size_t i = 0; i < guilty.size(); ++i) {
      message += (i == 0 ? ": " : ", ") + clean_message(guilty[i], 60);
    }
  }
  if (!message.empty()) return message;
  if (parsed.code.empty()) return text_for_status(answer.status, parsed.json ? "" : answer.body);
  return "HTTP status " + std::to_string(answer.status);
}

}  // namespace

Failure failure_of_answer(const ErrorAnswer& answer) {
  const Parsed parsed = parse(answer);
  const bool service_spoke = !parsed.code.empty();
  Failure failure;
  failure.code = parsed.code;
  // A 5xx is a 5xx whatever it calls itself, except where the code says more: throttling.
  std::optional<FailureKind> kind = parsed.code == "TransactionCanceledException"
                                        ? std::optional(kind_of_cancellation(parsed.reasons))
                                        : kind_of_code(parsed.code);
  if (answer.status >= 500 && kind != FailureKind::throttled) kind = FailureKind::transient;
  failure.kind = kind ? *kind : kind_of_status(answer.status, service_spoke);
  failure.message = message_of(parsed, answer);
  failure.request_id = clean_message(answer.request_id, 80);
  failure.hint = hint_for(failure.kind, failure.code, service_spoke);
  // A transaction in progress is this very request, sent twice by somebody in between.
  failure.maybe_applied = answer.status >= 500 || answer.status < 300 ||
                          failure.code == "TransactionInProgressException";
  return failure;
}

std::string error_code(const ErrorAnswer& answer) { return parse(answer).code; }

std::vector<std::string> cancellation_reasons(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(body.data(), body.size()).get(object) != simdjson::SUCCESS) return {};
  return reasons_of(object);
}

bool asks_for_credentials(std::string_view code) { return among(code, kRefused); }
bool may_be_clock(std::string_view code) { return among(code, kClock); }

namespace {

// What follows one of these is an echo of the request.
constexpr std::array<std::string_view, 4> kEchoes = {"numeric value:", "Input collection [",
                                                     "The Canonical String", "The String-to-Sign"};

std::string without_echo(std::string_view text) {
  std::size_t first = text.size();
  for (const std::string_view echo : kEchoes) {
    const auto at = text.find(echo);
    if (at != text.npos) first = std::min(first, at + echo.size());
  }
  std::string kept(text.substr(0, first));
  if (first < text.size()) kept += " ...";
  // "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint"
  constexpr std::string_view kOpen = "Value '";
  for (auto open = kept.find(kOpen); open != kept.npos; open = kept.find(kOpen, open + 1)) {
    const auto close = kept.find("' at '", open);
    if (close == kept.npos) break;
    kept.replace(open + kOpen.size(), close - open - kOpen.size(), "...");
  }
  return kept;
}

}  // namespace

std::string clean_message(std::string_view text, std::size_t limit) {
  const bool readable = base::is_utf8(text);
  std::string line;
  for (const char c : without_echo(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool blank = byte <= ' ' || byte == 0x7f;
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : (byte >= 0x80 && !readable ? '?' : c);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() <= limit) return line;
  line.resize(limit);
  while (!base::is_utf8(line)) line.pop_back();  // a character cut in two
  return line + "...";
}

}  // namespace dynamodb_replicator::wire
