// When a shard may be read next. A shard serves 5 reads a second to all its readers (Kinesis
// limits; DynamoDB Streams tolerates the same), so 200 ms between reads while there is something,
// and up to a second when idle.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace dynamodb_replicator::core {

class Pace {
 public:
  static constexpr Duration kBusy = 210ms;  // a little under 5 a second
  static constexpr Duration kIdle = 1s;

  // A read was sent at `sent` and gave `records` records. Gives when the next may be sent.
  Instant next(Instant sent, std::size_t records) {
    wait_ = records > 0 ? kBusy : std::min(wait_ * 3 / 2, kIdle);
    return sent + wait_;
  }

 private:
  Duration wait_ = kBusy;
};

// Has a DynamoDB Streams shard been read to its tip? It never says so; an empty answer alone proves
// nothing (a reader may get many before the next record). Five in a row over ten seconds are taken
// as "yes".
class TipDetector {
 public:
  static constexpr unsigned kEmptyAnswers = 5;
  static constexpr Duration kEmptyFor = 10s;

  // True if the shard is at its tip by this answer.
  bool answer(Instant sent, std::size_t records) {
    if (records > 0) {
      empty_ = 0;
      return false;
    }
    if (empty_++ == 0) since_ = sent;
    return empty_ >= kEmptyAnswers && sent - since_ >= kEmptyFor;
  }

 private:
  unsigned empty_ = 0;
  Instant since_{};
};

}  // namespace dynamodb_replicator::core
