#include "aws/signer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "aws/moments.h"
#include "base/bytes.h"
#include "base/digests.h"
#include "base/invariant.h"

namespace dynamodb_replicator::aws {
namespace {

// Ends trimmed, runs of blanks inside become one.
std::string squeezed(std::string_view value) {
  const bool already = value.find_first_of(" \t") == value.npos;
  if (already) return std::string(value);
  std::string out;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string lines;  // "name:value\n" each
  std::string names;  // "a;b;c"
};

CanonicalHeaders canonical_headers(const std::vector<async::Header>& headers) {
  std::vector<std::pair<std::string, std::string>> chosen;
  for (const async::Header& header : headers) {
    std::string name = base::to_lower(header.name);
    if (name == "host" || name == "content-type" || name.starts_with("x-amz-")) {
      chosen.emplace_back(std::move(name), squeezed(header.value));
    }
  }
  std::sort(chosen.begin(), chosen.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  CanonicalHeaders canonical;
  for (const auto& [name, value] : chosen) {
    canonical.lines += name + ":" + value + "\n";
    if (!canonical.names.empty()) canonical.names += ';';
    canonical.names += name;
  }
  return canonical;
}

}  // namespace

Signer::Signer(std::string region, std::string service)
    : region_(std::move(region)), service_(std::move(service)) {}

const Secret& Signer::key_for(const Credentials& credentials, std::string_view date) {
  if (key_date_ != date || !(key_secret_ == credentials.secret_key)) {
    const Secret start("AWS4" + credentials.secret_key.reveal());
    const Secret of_date(base::hmac_sha256(start.reveal(), date));
    const Secret of_region(base::hmac_sha256(of_date.reveal(), region_));
    const Secret of_service(base::hmac_sha256(of_region.reveal(), service_));
    key_ = Secret(base::hmac_sha256(of_service.reveal(), "aws4_request"));
    key_date_ = date;
    key_secret_ = credentials.secret_key;
  }
  return key_;
}

void Signer::sign(async::HttpRequest& request, const Credentials& credentials, WallTime at) {
  INVARIANT(request.target == "/", "only requests to the root are signed here");
  const std::string time = basic_iso(at);
  const std::string date = time.substr(0, 8);
  request.headers.push_back({"X-Amz-Date", time});
  if (!credentials.session_token.empty()) {
    request.headers.push_back({"X-Amz-Security-Token", credentials.session_token.reveal()});
  }
  const CanonicalHeaders headers = canonical_headers(request.headers);
  const std::string canonical = request.method + "\n/\n\n" + headers.lines + "\n" + headers.names +
                                "\n" + base::to_hex(base::sha256(request.body));
  const std::string scope = date + "/" + region_ + "/" + service_ + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + base::to_hex(base::sha256(canonical));
  const std::string signature =
      base::to_hex(base::hmac_sha256(key_for(credentials, date).reveal(), to_sign));
  request.headers.push_back(
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + scope +
                            ", SignedHeaders=" + headers.names + ", Signature=" + signature});
}

}  // namespace dynamodb_replicator::aws
