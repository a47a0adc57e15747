#include "aws/secret.h"

#include <openssl/crypto.h>

namespace dynamodb_replicator::aws {

void Secret::cleanse() noexcept {
  // Up to the capacity: what was longer once may still stand behind the end.
  text_.resize(text_.capacity());
  OPENSSL_cleanse(text_.data(), text_.size());
  text_.clear();
}

}  // namespace dynamodb_replicator::aws
