// StateHeap against a map of the pieces that are out.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "weir/core/random.h"
#include "weir/pipeline/state_heap.h"
#include "window/state_arena.h"

namespace weir {
namespace {

StateArena arena_of(std::size_t bytes) {
  auto made = StateArena::create(bytes);
  WEIR_CHECK(made.has_value());
  return std::move(*made);
}

/// Pieces with a byte of their own in all places.
struct Pieces {
  struct Piece {
    std::size_t bytes;
    unsigned char fill;
  };
  std::map<unsigned char*, Piece> out;

  void take(StateHeap& heap, std::size_t bytes, unsigned char fill) {
    auto* piece = static_cast<unsigned char*>(heap.take(bytes));
    ASSERT_NE(piece, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece) % (bytes >= 64 ? 64 : 16), 0u) << bytes;
    const auto above = out.lower_bound(piece);
    if (above != out.end()) {
      ASSERT_LE(piece + bytes, above->first);
    }
    if (above != out.begin()) {
      ASSERT_GE(piece, std::prev(above)->first + std::prev(above)->second.bytes);
    }
    std::memset(piece, fill, bytes);
    out[piece] = {bytes, fill};
  }
  void give_back(StateHeap& heap, Random& random) {
    auto at = out.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random.below(out.size())));
    for (std::size_t i = 0; i < at->second.bytes; ++i) ASSERT_EQ(at->first[i], at->second.fill);
    heap.give_back(at->first, at->second.bytes);
    out.erase(at);
  }
};

TEST(StateHeap, GivesPiecesThatDoNotOverlapAndKeepTheirBytes) {
  for (const std::size_t size_max : {std::size_t{100}, std::size_t{5000}, std::size_t{200'000}}) {
    StateArena arena = arena_of(std::size_t{1} << 30);
    StateHeap heap(arena);
    Random random(size_max);
    Pieces pieces;
    for (int step = 0; step < 4000; ++step) {
      if (!pieces.out.empty() && random.chance(9, 20))
        pieces.give_back(heap, random);
      else
        pieces.take(heap, 1 + random.below(size_max), static_cast<unsigned char>(random.next()));
      if (HasFatalFailure()) return;
    }
    while (!pieces.out.empty()) pieces.give_back(heap, random);
    EXPECT_EQ(heap.bytes_taken(), 0u);
    heap.clear();
    EXPECT_EQ(arena.bytes_in_use(), 0u);
  }
}

TEST(StateHeap, RoundsUpByAtMostAQuarterFromAQuarterKibibyteOn) {
  StateArena arena = arena_of(std::size_t{64} << 20);
  for (std::size_t bytes = 1; bytes <= StateHeap::kPieceMax; ++bytes) {
    StateHeap heap(arena);
    ASSERT_NE(heap.take(bytes), nullptr);
    ASSERT_GE(heap.bytes_taken(), bytes);
    const std::size_t room = bytes < 64 ? bytes + 15 : bytes < 256 ? bytes + 63 : bytes + bytes / 4;
    ASSERT_LE(heap.bytes_taken(), room) << bytes;
  }
}

TEST(StateHeap, UsesPiecesAgain) {
  StateArena arena = arena_of(std::size_t{64} << 20);
  StateHeap heap(arena);
  for (const std::size_t bytes : {std::size_t{40}, std::size_t{3000}, std::size_t{70'000}}) {
    void* piece = heap.take(bytes);
    heap.give_back(piece, bytes);
    EXPECT_EQ(heap.take(bytes), piece);
    heap.give_back(piece, bytes);
    heap.give_back(nullptr, bytes);
  }
}

TEST(StateHeap, HoldsNoMemoryBeforeItsFirstPieceAndAfterClear) {
  StateArena arena = arena_of(std::size_t{64} << 20);
  StateHeap heap(arena);
  EXPECT_EQ(heap.bytes(), 0u);
  EXPECT_EQ(arena.bytes_in_use(), 0u);
  for (std::size_t bytes = 1; bytes < 1'000'000; bytes *= 3) ASSERT_NE(heap.take(bytes), nullptr);
  EXPECT_EQ(heap.bytes(), arena.bytes_in_use());
  heap.clear();
  EXPECT_EQ(heap.bytes(), 0u);
  EXPECT_EQ(arena.bytes_in_use(), 0u);
}

TEST(StateHeap, SaysNullAtTheArenasMaximumAndGoesOnWhenPiecesComeBack) {
  StateArena arena = arena_of(64 << 10);
  StateHeap heap(arena);
  EXPECT_EQ(heap.take(std::size_t{1} << 40), nullptr);
  std::vector<void*> pieces;
  while (void* piece = heap.take(100)) pieces.push_back(piece);
  EXPECT_GT(pieces.size(), 300u);
  EXPECT_LE(arena.bytes_in_use(), std::size_t{64} << 10);
  heap.give_back(pieces.back(), 100);
  EXPECT_EQ(heap.take(100), pieces.back());
}

TEST(StateHeap, MovesWithItsPieces) {
  StateArena arena = arena_of(64 << 10);
  StateHeap heap(arena);
  void* piece = heap.take(100);
  StateHeap moved = std::move(heap);
  EXPECT_EQ(heap.bytes(), 0u);  // NOLINT: empty after the move, as stated
  moved.give_back(piece, 100);
  EXPECT_EQ(moved.bytes_taken(), 0u);
  StateHeap other(arena);
  other = std::move(moved);
  other.clear();
  EXPECT_EQ(arena.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace weir
