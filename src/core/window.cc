#include "core/window.h"

#include <algorithm>
#include <cstring>

#include "base/invariant.h"

namespace dynamodb_replicator::core {
namespace {

constexpr std::size_t kPiece = 1U << 20U;
constexpr std::size_t kKeyTextMax = 1U << 20U;  // a key has at most 3 KB, each byte six of JSON

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count; i-- > 0;) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  }
  return value;
}

void append_digest(std::string& out, const base::Digest128& digest) {
  append_number(out, digest.high, 8);
  append_number(out, digest.low, 8);
}

base::Digest128 digest_at(std::string_view bytes, std::size_t at) {
  return {number_at(bytes, at, 8), number_at(bytes, at + 8, 8)};
}

// key, which sides, their contents, length of the key's text, the text
constexpr std::size_t kHead = 16 + 1;

Failure torn() {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.message = "what was kept of the comparison on disk cannot be read back";
  failure.hint = "Start it anew, without the file of the interrupted run.";
  return failure;
}

}  // namespace

void ScanWindow::meet(Side side, int segment, std::uint64_t ordinal) {
  std::uint64_t& met = progress_[segment].met[index_of(side)];
  met = std::max(met, ordinal);
}

std::uint64_t ScanWindow::ahead(Side side, int segment) const {
  const auto found = progress_.find(segment);
  if (found == progress_.end()) return 0;
  const std::uint64_t shown = found->second.shown[index_of(side)];
  // A difference that wraps would hold the other side back for ever.
  return shown - std::min(shown, found->second.met[index_of(side)]);
}

void ScanWindow::add(Side side, int segment, const Sighting& sighting) {
  const std::size_t mine = index_of(side);
  const std::size_t other = 1 - mine;
  const std::uint64_t ordinal = ++progress_[segment].shown[mine];
  ++tally_.scanned[mine];
  const auto [place, fresh] = entries_.try_emplace(sighting.key);
  Entry& entry = place->second;
  if (fresh) {
    entry.key_text.assign(sighting.key_text);
    entry.ordinal = ordinal;
    entry.segment = segment;
    entry.bringer = side;
    bytes_ += kEntryBytes + entry.key_text.size();
  }
  if (entry.seen[mine]) ++tally_.again[mine];
  entry.seen[mine] = true;
  entry.content[mine] = sighting.content;
  if (!entry.seen[other]) return;
  meet(side, segment, ordinal);
  // The ordinal is the bringer's own. It may be the bringer that shows a key again which both sides
  // have with different content; nobody else is further for that.
  if (entry.bringer != side) meet(entry.bringer, entry.segment, entry.ordinal);
  if (entry.content[0] != entry.content[1]) return;
  ++tally_.equal;
  bytes_ -= kEntryBytes + entry.key_text.size();
  entries_.erase(place);
}

void ScanWindow::drain(const std::function<void(std::string_view)>& use) {
  using Node = std::pair<const base::Digest128, Entry>;
  std::vector<const Node*> sorted;
  sorted.reserve(entries_.size());
  for (const Node& node : entries_) sorted.push_back(&node);
  std::sort(sorted.begin(), sorted.end(),
            [](const Node* a, const Node* b) { return a->first < b->first; });
  std::string piece;
  for (const Node* node : sorted) {
    const Entry& entry = node->second;
    append_digest(piece, node->first);
    piece += static_cast<char>((entry.seen[0] ? 1 : 0) | (entry.seen[1] ? 2 : 0));
    for (std::size_t i = 0; i < 2; ++i) {
      if (entry.seen[i]) append_digest(piece, entry.content[i]);
    }
    append_number(piece, entry.key_text.size(), 4);
    piece += entry.key_text;
    if (piece.size() >= kPiece) {
      use(piece);
      piece.clear();
    }
  }
  if (!piece.empty()) use(piece);
  entries_.clear();
  bytes_ = 0;
}

class RunMerge::Run {
 public:
  explicit Run(std::unique_ptr<RunSource> source) : source_(std::move(source)) {}
  [[nodiscard]] const Leftover& record() const { return record_; }

  // The next record into record(); false: the end.
  Result<bool> advance() {
    bool enough = false;
    if (auto read = want(kHead, enough); !read) return std::move(read).error();
    if (!enough) {
      if (at_ != buffer_.size()) return torn();
      return false;
    }
    record_ = {};
    record_.key = digest_at(buffer_, at_);
    const auto sides = static_cast<unsigned char>(buffer_[at_ + 16]);
    if (sides < 1 || sides > 3) return torn();
    const std::size_t contents = sides == 3 ? 32 : 16;
    if (auto read = want(kHead + contents + 4, enough); !read) return std::move(read).error();
    if (!enough) return torn();
    std::size_t at = at_ + kHead;
    for (std::size_t i = 0; i < 2; ++i) {
      if ((sides >> i & 1U) == 0) continue;
      record_.content[i] = digest_at(buffer_, at);
      at += 16;
    }
    const auto length = static_cast<std::size_t>(number_at(buffer_, at, 4));
    if (length > kKeyTextMax) return torn();
    if (auto read = want(kHead + contents + 4 + length, enough); !read)
      return std::move(read).error();
    if (!enough) return torn();
    record_.key_text = buffer_.substr(at_ + kHead + contents + 4, length);
    at_ += kHead + contents + 4 + length;
    return true;
  }

 private:
  // Are so many bytes there, once the source was asked?
  Result<void> want(std::size_t bytes, bool& enough) {
    while (buffer_.size() - at_ < bytes && !ended_) {
      Result<std::string> more = source_->more();
      if (!more) return std::move(more).error();
      ended_ = more->empty();
      buffer_.erase(0, at_);
      at_ = 0;
      buffer_ += *more;
    }
    enough = buffer_.size() - at_ >= bytes;
    return {};
  }

  std::unique_ptr<RunSource> source_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  Leftover record_;
};

RunMerge::RunMerge(std::vector<std::unique_ptr<RunSource>> runs, Tally& tally) : tally_(tally) {
  for (auto& source : runs) runs_.push_back(std::make_unique<Run>(std::move(source)));
}

RunMerge::~RunMerge() = default;

Result<void> RunMerge::fill() {
  begun_ = true;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    Result<bool> there = runs_[i]->advance();
    if (!there) return std::move(there).error();
    if (*there) heap_.push_back(i);
  }
  return {};
}

Result<std::optional<Leftover>> RunMerge::next() {
  const auto later = [this](std::size_t a, std::size_t b) {
    const base::Digest128& left = runs_[a]->record().key;
    const base::Digest128& right = runs_[b]->record().key;
    return left != right ? right < left : b < a;
  };
  if (!begun_) {
    if (auto filled = fill(); !filled) return std::move(filled).error();
    std::make_heap(heap_.begin(), heap_.end(), later);
  }
  while (!heap_.empty()) {
    Leftover all;
    bool first = true;
    while (!heap_.empty() && (first || runs_[heap_.front()]->record().key == all.key)) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const std::size_t run = heap_.back();
      const Leftover& record = runs_[run]->record();
      if (first) {
        all.key = record.key;
        all.key_text = record.key_text;
        first = false;
      }
      for (std::size_t i = 0; i < 2; ++i) {
        if (!record.content[i]) continue;
        if (all.content[i]) ++tally_.again[i];
        all.content[i] = record.content[i];
      }
      Result<bool> there = runs_[run]->advance();
      if (!there) return std::move(there).error();
      if (*there) {
        std::push_heap(heap_.begin(), heap_.end(), later);
      } else {
        heap_.pop_back();
      }
    }
    const bool equal = all.content[0] && all.content[1] && *all.content[0] == *all.content[1];
    if (!equal) return std::optional(std::move(all));
    ++tally_.equal;
  }
  return std::optional<Leftover>();
}

}  // namespace dynamodb_replicator::core
