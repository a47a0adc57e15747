// Memory for runs: much of a run's time went into the general allocator. A run makes and drops some
// million small pieces in one thread, so here each size has a list of free pieces in a region of
// its own, which is never given back: a process of the crew uses it again for its next run.
// Larger pieces, and all of them under a sanitizer, are the general allocator's as ever.
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kLargest = 1024;
constexpr std::size_t kSizes = kLargest / kStep;
constexpr std::size_t kSlab = std::size_t{1} << 16U;  // of pieces of one size
constexpr std::size_t kRegion = std::size_t{4} << 30U;

struct Piece {
  Piece* next;
};

struct Pool {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;  // both 0: there is no region
  std::uintptr_t fresh = 0;
  std::array<Piece*, kSizes> free{};
  std::array<std::uint8_t, kRegion / kSlab> size_of_slab{};
};
Pool pool;

// True if there are free pieces of this size now.
bool cut_slab(std::size_t size) {
  if (pool.begin == 0) {
    void* place = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return false;
    pool.begin = pool.fresh = reinterpret_cast<std::uintptr_t>(place);
    pool.end = pool.begin + kRegion;
  }
  if (pool.fresh == pool.end) return false;
  const std::uintptr_t slab = pool.fresh;
  pool.fresh += kSlab;
  pool.size_of_slab[(slab - pool.begin) / kSlab] = static_cast<std::uint8_t>(size);
  const std::size_t bytes = (size + 1) * kStep;
  for (std::uintptr_t at = slab + kSlab / bytes * bytes; at > slab;) {
    at -= bytes;
    pool.free[size] = new (reinterpret_cast<void*>(at)) Piece{pool.free[size]};
  }
  return true;
}

void* take(std::size_t bytes) {
  if (bytes <= kLargest) {
    const std::size_t size = bytes == 0 ? 0 : (bytes - 1) / kStep;
    if (pool.free[size] != nullptr || cut_slab(size)) {
      Piece* piece = pool.free[size];
      pool.free[size] = piece->next;
      return piece;
    }
  }
  void* place = std::malloc(bytes);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}

void give_back(void* place) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(place);
  if (at < pool.begin || at >= pool.end) {
    std::free(place);
    return;
  }
  const std::size_t size = pool.size_of_slab[(at - pool.begin) / kSlab];
  pool.free[size] = new (place) Piece{pool.free[size]};
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes); }
void* operator new[](std::size_t bytes) { return take(bytes); }
void operator delete(void* place) noexcept { give_back(place); }
void operator delete[](void* place) noexcept { give_back(place); }
void operator delete(void* place, std::size_t) noexcept { give_back(place); }
void operator delete[](void* place, std::size_t) noexcept { give_back(place); }

#endif
