#include "base/digests.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include <array>

#include "base/invariant.h"

namespace dynamodb_replicator::base {
namespace {

std::string evp(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const int ok = EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, algorithm, nullptr);
  INVARIANT(ok == 1, "OpenSSL refused to make a digest");
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

std::string sha256(std::string_view bytes) { return evp(EVP_sha256(), bytes); }
std::string md5(std::string_view bytes) { return evp(EVP_md5(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const auto* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &size);
  INVARIANT(made != nullptr, "OpenSSL refused to make an HMAC");
  return {reinterpret_cast<const char*>(out.data()), size};
}

Digest128 digest128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

}  // namespace dynamodb_replicator::base
