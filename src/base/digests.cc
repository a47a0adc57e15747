#include "base/digests.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <xxhash.h>

#include <array>
#include <memory>

#include "base/invariant.h"

namespace dynamodb_replicator::base {
namespace {

// Looking an algorithm up costs more than digesting a request: each thread does it once.
template <class T, void (*release)(T*)>
struct Released {
  void operator()(T* one) const { release(one); }
};
using Algorithm = std::unique_ptr<EVP_MD, Released<EVP_MD, EVP_MD_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Released<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Mac = std::unique_ptr<EVP_MAC, Released<EVP_MAC, EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Released<EVP_MAC_CTX, EVP_MAC_CTX_free>>;

class Digester {
 public:
  explicit Digester(const char* name)
      : algorithm_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    INVARIANT(algorithm_ && context_, "OpenSSL has no such digest");
  }
  std::string digest(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    const bool ok = EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) == 1 &&
                    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context_.get(), out.data(), &size) == 1;
    INVARIANT(ok, "OpenSSL refused to make a digest");
    return {reinterpret_cast<const char*>(out.data()), size};
  }

 private:
  Algorithm algorithm_;
  DigestContext context_;
};

MacContext new_hmac_sha256() {
  const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  INVARIANT(mac != nullptr, "OpenSSL has no HMAC");
  MacContext context(EVP_MAC_CTX_new(mac.get()));
  char name[] = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
  INVARIANT(context && EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1,
            "OpenSSL has no HMAC of SHA-256");
  return context;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  thread_local Digester digester("SHA256");
  return digester.digest(bytes);
}

std::string md5(std::string_view bytes) {
  thread_local Digester digester("MD5");
  return digester.digest(bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  thread_local const MacContext context = new_hmac_sha256();
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  std::size_t size = 0;
  // To OpenSSL no key is the key of the time before.
  const auto* secret = reinterpret_cast<const unsigned char*>(key.empty() ? "" : key.data());
  const auto* text = reinterpret_cast<const unsigned char*>(bytes.data());
  const bool ok = EVP_MAC_init(context.get(), secret, key.size(), nullptr) == 1 &&
                  EVP_MAC_update(context.get(), text, bytes.size()) == 1 &&
                  EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1;
  INVARIANT(ok, "OpenSSL refused to make an HMAC");
  return {reinterpret_cast<const char*>(out.data()), size};
}

Digest128 digest128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

}  // namespace dynamodb_replicator::base
