#include "aws/client.h"

#include <zlib.h>

#include <charconv>
#include <optional>
#include <utility>

#include "aws/moments.h"
#include "base/invariant.h"
#include "base/planted.h"
#include "wire/errors.h"

namespace dynamodb_replicator::aws {
namespace {

constexpr Duration kClockTolerance = 4min;  // services refuse at 5 or 15

struct Dialect {
  const char* target;
  const char* content_type;
  const char* signing_name;
};

Dialect dialect_of(Service service) {
  switch (service) {
    case Service::streams:
      return {"DynamoDBStreams_20120810.", "application/x-amz-json-1.0", "dynamodb"};
    case Service::kinesis:
      return {"Kinesis_20131202.", "application/x-amz-json-1.1", "kinesis"};
    case Service::dynamodb:
      break;
  }
  return {"DynamoDB_20120810.", "application/x-amz-json-1.0", "dynamodb"};
}

std::string_view header_or_empty(const async::HttpResponse& answer, std::string_view name) {
  const std::string* value = answer.header(name);
  return value == nullptr ? std::string_view{} : *value;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Why the body cannot be what the service sent; empty if it can.
std::string broken(const async::HttpResponse& answer) {
  if (const std::string* length = answer.header("Content-Length")) {
    if (to_number(*length) != answer.body.size()) return "the answer was cut short";
  }
  if (!header_or_empty(answer, "Content-Encoding").empty() &&
      header_or_empty(answer, "Content-Encoding") != "identity") {
    return "the answer is compressed, which was not asked for";
  }
  if (const std::string* expected = answer.header("x-amz-crc32")) {
    const auto* bytes = reinterpret_cast<const Bytef*>(answer.body.data());
    const uLong sum = crc32_z(0, bytes, answer.body.size());
    const bool same = to_number(*expected) == sum;
    if (!same) base::mark(base::Mark::checksum_broken);
    if (!same && !base::planted(base::Bug::checksum_ignored))
      return "the answer does not match its checksum";
  }
  return "";
}

// When the service answered, by its own clock; nullopt if the answer does not say (the date of what
// a cache has kept says nothing).
std::optional<WallTime> date_of(const async::HttpResponse& answer) {
  if (answer.header("Age") != nullptr) return std::nullopt;
  return parse_http_date(header_or_empty(answer, "Date"));
}

constexpr const char* kCertificateRemedy =
    "Check that this is the right server; an authority of your own is named by AWS_CA_BUNDLE.";

const char* remedy(async::HttpError::Stage stage) {
  switch (stage) {
    case async::HttpError::Stage::resolve:
      return "Check the region or the host name.";
    case async::HttpError::Stage::connect:
      return "Check that the endpoint is right and running.";
    case async::HttpError::Stage::malformed:
      return "Check that the endpoint is the service's.";
    default:
      return "";
  }
}

}  // namespace

Client::Client(async::Doors& doors, Endpoint endpoint, Service service,
               std::shared_ptr<CredentialsProvider> credentials, std::string where)
    : doors_(doors),
      endpoint_(std::move(endpoint)),
      service_(service),
      credentials_(std::move(credentials)),
      where_(std::move(where)),
      signer_(endpoint_.signing_region, dialect_of(service).signing_name) {
  INVARIANT(credentials_ != nullptr, "a client needs credentials");
}

async::HttpRequest Client::prepare(const std::string& operation, std::string body,
                                   const Credentials& credentials) {
  const Dialect dialect = dialect_of(service_);
  async::HttpRequest request;
  request.tls = endpoint_.tls;
  request.host = endpoint_.host;
  request.port = endpoint_.port;
  request.headers.reserve(9);
  request.headers = {{"Host", endpoint_.authority()},
                     {"Content-Type", dialect.content_type},
                     {"X-Amz-Target", dialect.target + operation},
                     {"Accept-Encoding", "identity"},
                     {"User-Agent", "dynamodb-replicator/" DYNAMODB_REPLICATOR_VERSION}};
  request.body = std::move(body);
  signer_.sign(request, credentials,
               doors_.clock.wall() + std::chrono::floor<std::chrono::microseconds>(clock_offset_));
  return request;
}

Failure Client::failure_of_transport(const async::HttpError& error) const {
  Failure failure;
  failure.kind = error.untrusted ? FailureKind::configuration : FailureKind::transient;
  // "us-east-1/table" does not say whom we could not reach; an endpoint in so many words does.
  const std::string whom = where_.starts_with(endpoint_.url()) ? "" : endpoint_.url() + ": ";
  failure.message = wire::clean_message(whom + error.message, 400);
  failure.hint = error.untrusted ? kCertificateRemedy : remedy(error.stage);
  failure.maybe_applied = error.sent;
  return failure;
}

// The Date of an answer shows how far apart the clocks are. True: far enough to explain a refusal,
// and the next request will be signed for the service's time.
bool Client::correct_clock(const async::HttpResponse& answer) {
  const auto date = date_of(answer);
  if (!date) return false;
  const Duration offset = *date - doors_.clock.wall();
  const Duration change = std::chrono::abs(offset - clock_offset_);
  if (change < kClockTolerance || base::planted(base::Bug::clock_not_corrected)) return false;
  base::mark(base::Mark::clock_corrected);
  clock_offset_ = offset;
  doors_.log.warning(
      "this machine's clock differs from the service's; requests are signed for the "
      "service's time",
      {{"endpoint", endpoint_.url()},
       {"seconds", std::to_string(std::chrono::round<std::chrono::seconds>(offset).count())}});
  return true;
}

// The service's clock stood at the answer's date some time between sending and now. Only a date
// outside of that tells that the clocks differ; a slow answer does not.
void Client::note_date(const async::HttpResponse& answer, WallTime sent) {
  constexpr Duration kNear = 5s;  // a date is whole seconds
  const auto date = date_of(answer);
  if (!date) return;
  const WallTime now = doors_.clock.wall();
  service_ahead_ = Duration{0};
  if (*date > now + kNear) service_ahead_ = *date - now;
  if (*date < std::min(sent, now) - kNear) service_ahead_ = *date - now;
}

Failure Client::failure_of_answer(const async::HttpResponse& answer, const CredentialsRef& used,
                                  bool& cured) {
  Failure failure = wire::failure_of_answer({answer.status, answer.body,
                                             header_or_empty(answer, "x-amzn-errortype"),
                                             header_or_empty(answer, "x-amzn-requestid")});
  cured = (wire::asks_for_credentials(failure.code) && credentials_->renew(used)) ||
          (wire::may_be_clock(failure.code) && correct_clock(answer));
  if (cured) {
    failure.kind = FailureKind::transient;
    failure.hint.clear();
  }
  return failure;
}

// `cured`: it was refused for the credentials or the time it was signed with, and the next will not
// be.
async::Task<Result<std::string>> Client::attempt(const std::string& operation, std::string body,
                                                 Instant deadline, bool& cured) {
  const auto credentials = credentials_->get();
  if (!credentials) co_return credentials.error();
  async::HttpRequest request = prepare(operation, std::move(body), **credentials);
  const WallTime sent = doors_.clock.wall();
  auto answer = co_await doors_.http.send(std::move(request), deadline);
  if (!answer) co_return failure_of_transport(answer.error());
  if (std::string why = broken(*answer); !why.empty()) {
    Failure failure;
    failure.kind = FailureKind::unusable_answer;
    failure.message = std::move(why);
    failure.request_id = wire::clean_message(header_or_empty(*answer, "x-amzn-requestid"), 80);
    failure.maybe_applied = true;
    co_return failure;
  }
  note_date(*answer, sent);
  if (answer->status != 200) co_return failure_of_answer(*answer, *credentials, cured);
  co_return std::move(answer->body);
}

async::Task<Result<std::string>> Client::call(std::string operation, std::string body,
                                              Instant deadline, bool writes) {
  std::string again = writes ? "" : body;
  bool cured = false;
  Result<std::string> done = co_await attempt(operation, std::move(body), deadline, cured);
  if (cured && !writes && doors_.clock.now() < deadline)
    done = co_await attempt(operation, std::move(again), deadline, cured);
  if (done) co_return done;
  Failure failure = std::move(done).error();
  failure.operation = operation + " on " + where_;
  failure.maybe_applied = failure.maybe_applied && writes;
  co_return failure;
}

}  // namespace dynamodb_replicator::aws
