// Digests: SHA-256, HMAC and MD5 (protocols that ask for them) and a fast 128-bit one for our own
// tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dynamodb_replicator::base {

std::string sha256(std::string_view bytes);                             // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes
std::string md5(std::string_view bytes);  // 16 raw bytes; only where Kinesis defines it

struct Digest128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Digest128&, const Digest128&) = default;
  friend bool operator<(const Digest128& a, const Digest128& b) {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
};
Digest128 digest128(std::string_view bytes);  // XXH3-128; not against an adversary

}  // namespace dynamodb_replicator::base
