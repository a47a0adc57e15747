#include "sim/signature.h"

#include <array>
#include <map>

#include "base/bytes.h"
#include "base/digests.h"

namespace dynamodb_replicator::sim {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The value of NAME=value in "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...".
std::string part_of(const std::string& authorization, const std::string& name) {
  const auto start = authorization.find(name + "=");
  if (start == std::string::npos) return {};
  const auto from = start + name.size() + 1;
  return trimmed(authorization.substr(from, authorization.find(',', from) - from));
}

std::string canonical_request(const async::HttpRequest& request,
                              const std::string& signed_headers) {
  std::string out = request.method + "\n/\n\n";
  for (std::size_t from = 0; from <= signed_headers.size();) {
    const auto end = std::min(signed_headers.find(';', from), signed_headers.size());
    const std::string name = signed_headers.substr(from, end - from);
    out += name + ":" + trimmed(header_of(request, name)) + "\n";
    from = end + 1;
  }
  return out + "\n" + signed_headers + "\n" + base::to_hex(base::sha256(request.body));
}

// Derived once for each secret, day and scope: most of the price of looking at a signature.
const std::string& signing_key(const Identity& identity, const std::string& day,
                               const std::string& service) {
  static std::map<std::array<std::string, 4>, std::string> known;
  const auto [place, fresh] =
      known.try_emplace({identity.secret, day, identity.region, service}, std::string());
  if (fresh) {
    std::string key = base::hmac_sha256("AWS4" + identity.secret, day);
    for (const std::string& part : {identity.region, service, std::string("aws4_request")})
      key = base::hmac_sha256(key, part);
    place->second = key;
  }
  return place->second;
}

ServiceError refused(std::string code, std::string message) {
  return {std::move(code), std::move(message)};
}

}  // namespace

std::string header_of(const async::HttpRequest& request, std::string_view name) {
  for (const async::Header& header : request.headers) {
    if (base::equal_without_case(header.name, name)) return header.value;
  }
  return {};
}

std::optional<WallTime> parse_amz_date(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&text](std::size_t from, std::size_t size) {
    return std::atoi(text.substr(from, size).c_str());
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  if (!day.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(day)) + std::chrono::hours(number(9, 2)) +
         std::chrono::minutes(number(11, 2)) + std::chrono::seconds(number(13, 2));
}

std::optional<ServiceError> refuse_signature(const async::HttpRequest& request,
                                             const Identity& identity, const std::string& service,
                                             WallTime now) {
  const std::string authorization = header_of(request, "authorization");
  const std::string date = header_of(request, "x-amz-date");
  if (!authorization.starts_with("AWS4-HMAC-SHA256 ")) {
    return refused("MissingAuthenticationTokenException",
                   "Request is missing Authentication Token");
  }
  const std::string headers = part_of(authorization, "SignedHeaders");
  for (const std::string_view needed : {"host", "x-amz-date", "x-amz-target"}) {
    if ((";" + headers + ";").find(";" + std::string(needed) + ";") == std::string::npos) {
      return refused("IncompleteSignatureException", "not signed: " + std::string(needed));
    }
  }
  const auto when = parse_amz_date(date);
  if (!when) return refused("IncompleteSignatureException", "X-Amz-Date is not a date");
  const std::string day = date.substr(0, 8);
  const std::string scope = day + "/" + identity.region + "/" + service + "/aws4_request";
  const std::string credential = part_of(authorization, "Credential");
  if (!credential.starts_with(identity.access_key + "/")) {
    return refused("UnrecognizedClientException",
                   "The security token included in the request is invalid.");
  }
  if (header_of(request, "x-amz-security-token") != identity.token) {
    return refused("UnrecognizedClientException",
                   "The security token included in the request is invalid.");
  }
  if (credential != identity.access_key + "/" + scope) {
    return refused("InvalidSignatureException", "Credential should be scoped to " + scope);
  }
  const std::string& key = signing_key(identity, day, service);
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" +
                              base::to_hex(base::sha256(canonical_request(request, headers)));
  if (base::to_hex(base::hmac_sha256(key, to_sign)) != part_of(authorization, "Signature")) {
    return refused(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.");
  }
  if (*when < now - 5min) {
    return refused("InvalidSignatureException",
                   "Signature expired: " + date + " is now earlier than the time of the service");
  }
  if (*when > now + 5min) {
    return refused("InvalidSignatureException", "Signature not yet current: " + date +
                                                    " is still later than the time of the service");
  }
  return std::nullopt;
}

}  // namespace dynamodb_replicator::sim
