// DistinctTable: what a state of a DistinctSet (distinct_set.h) looks like and how one value goes in and out, as a
// template over the slot.
//
//   capacity 0            the state's own words, filled from the front
//   capacity <= kArray    a piece of the heap, filled from the front
//   capacity | kCompact   a table's piece with its slots moved to the front, as partial() leaves it
//   otherwise             open addressing; a slot whose key is all zeros is empty, and that key itself is counted in
//                         the second word
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string_view>

#include "weir/core/check.h"
#include "weir/core/string_ref.h"
#include "weir/pipeline/state_heap.h"
#include "weir/simd/hash.h"

namespace weir::detail {

struct DistinctState {
  alignas(8) std::byte words[16];
  std::uint32_t size;
  std::uint32_t capacity;

  std::uint64_t word(std::size_t index) const noexcept {
    std::uint64_t value;
    std::memcpy(&value, words + 8 * index, sizeof value);
    return value;
  }
  void set_word(std::size_t index, std::uint64_t value) noexcept { std::memcpy(words + 8 * index, &value, 8); }
  void* piece() const noexcept { return reinterpret_cast<void*>(word(0)); }
};
static_assert(sizeof(DistinctState) == 24);

/// A value of up to 8 bytes as its hash, which is one to one: equal hashes are equal values.
struct WordKey {
  std::uint64_t bits;
  bool zero() const noexcept { return bits == 0; }
  std::uint64_t hash() const noexcept { return bits; }
  bool same(const WordKey& other) const noexcept { return bits == other.bits; }
  bool own(StateHeap&) noexcept { return true; }
  void disown(StateHeap&) const noexcept {}
};

struct WideKey {
  std::uint64_t low, high;
  bool zero() const noexcept { return (low | high) == 0; }
  std::uint64_t hash() const noexcept { return simd::hash_u128(low, high); }
  bool same(const WideKey& other) const noexcept { return low == other.low && high == other.high; }
  bool own(StateHeap&) noexcept { return true; }
  void disown(StateHeap&) const noexcept {}
};

/// Bytes; a hash of 0 is taken for 1, so that no key is zero.
struct BytesKey {
  std::uint64_t bits;
  StringRef text;
  bool zero() const noexcept { return bits == 0; }
  std::uint64_t hash() const noexcept { return bits; }
  bool same(const BytesKey& other) const noexcept { return bits == other.bits && text == other.text; }
  /// Copies a long text into the heap.
  bool own(StateHeap& heap) noexcept {
    if (text.is_inline()) return true;
    auto* copy = static_cast<char*>(heap.take(text.size));
    if (copy == nullptr) return false;
    std::memcpy(copy, text.data, text.size);
    text.data = copy;
    return true;
  }
  void disown(StateHeap& heap) const noexcept {
    if (!text.is_inline()) heap.give_back(const_cast<char*>(text.data), text.size);
  }
};

template <class K>
struct PlainSlot {
  using Key = K;
  static constexpr bool kCounts = false;
  K key;
  std::uint64_t count() const noexcept { return 1; }
  void set_count(std::uint64_t) noexcept {}
};
template <class K>
struct CountedSlot {
  using Key = K;
  static constexpr bool kCounts = true;
  K key;
  std::uint64_t times;
  std::uint64_t count() const noexcept { return times; }
  void set_count(std::uint64_t count) noexcept { times = count; }
};

/// Operations on one state.
template <class Slot>
struct DistinctTable {
  using Key = typename Slot::Key;
  using State = DistinctState;
  static constexpr bool kTexts = std::is_same_v<Key, BytesKey>;
  static constexpr std::uint32_t kInline = kTexts ? 0 : 16 / sizeof(Slot);
  static constexpr std::uint32_t kArray = sizeof(Slot) == 8 ? 8 : 4;
  static constexpr std::uint32_t kTableMin = kArray * 4;
  static constexpr std::uint32_t kCompact = 0x80000000u;

  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }

  static std::uint32_t capacity(const State& s) noexcept { return s.capacity & ~kCompact; }
  /// Whether the values stand in slots 0 … size - 1.
  static bool dense(const State& s) noexcept { return s.capacity <= kArray || (s.capacity & kCompact) != 0; }
  static Slot* slots(State& s) noexcept {
    return s.capacity == 0 ? reinterpret_cast<Slot*>(s.words) : static_cast<Slot*>(s.piece());
  }
  static const Slot* slots(const State& s) noexcept { return slots(const_cast<State&>(s)); }
  static std::uint32_t place(std::uint64_t hash, std::uint32_t capacity) noexcept {
    return static_cast<std::uint32_t>((hash >> 32) * capacity >> 32);
  }
  static std::uint32_t next(std::uint32_t at, std::uint32_t capacity) noexcept {
    return at + 1 == capacity ? 0 : at + 1;
  }
  /// Most values in that many slots.
  static std::uint32_t limit(std::uint32_t capacity) noexcept {
    if (capacity == 0) return kInline;
    return capacity <= kArray ? capacity : static_cast<std::uint32_t>(std::uint64_t{capacity} * 5 / 8);
  }
  /// The first step of capacities that holds `size` values; 0 where none does.
  static std::uint32_t capacity_for(std::uint64_t size) noexcept {
    if (size <= kInline) return 0;
    if (size <= kArray) return kArray;
    std::uint64_t capacity = kTableMin;
    while (true) {
      // Large pieces are whole blocks of the arena.
      const std::uint64_t bytes = capacity * sizeof(Slot);
      const std::uint64_t fitted = bytes <= StateHeap::kPieceMax ? capacity : std::bit_ceil(bytes) / sizeof(Slot);
      if (fitted >= kCompact) return 0;
      if (limit(static_cast<std::uint32_t>(fitted)) >= size) return static_cast<std::uint32_t>(fitted);
      capacity *= 2;
    }
  }

  /// Calls body(slot) for each value until it says false; the value of zeros comes last. Returns whether all said true.
  template <class Body>
  static bool each(const State& s, Body&& body) {
    const Slot* all = slots(s);
    if (dense(s)) {
      for (std::uint32_t i = 0; i < s.size; ++i)
        if (!body(all[i])) return false;
      return true;
    }
    for (std::uint32_t i = 0; i < s.capacity; ++i)
      if (!all[i].key.zero() && !body(all[i])) return false;
    return kTexts || s.word(1) == 0 || body(zero_slot(s.word(1)));
  }

  /// Whether a table has the key: the short way of add() for what is there already. False for all other forms, and for
  /// the value of zeros.
  static bool has(const State& s, const Key& key, std::uint64_t hash) noexcept {
    if (dense(s)) return false;
    const Slot* all = static_cast<const Slot*>(s.piece());
    std::uint32_t at = place(hash, s.capacity);
    while (!all[at].key.zero()) {
      if (all[at].key.same(key)) return true;
      at = next(at, s.capacity);
    }
    return false;
  }

  /// Adds a key `count` times. The key's bytes may be gone afterwards. False where the heap is at its maximum.
  static bool add(State& s, const Key& key, std::uint64_t hash, std::uint64_t count, StateHeap& heap) noexcept {
    if ((s.capacity & kCompact) != 0 && !reserve(s, s.size, heap)) return false;
    if (Slot* found = find(s, key, hash); found != nullptr) {
      if constexpr (Slot::kCounts) found->set_count(found->count() + count);
      return true;
    }
    if (!dense(s) && !kTexts && key.zero()) {
      if (s.word(1) == 0) ++s.size;
      s.set_word(1, Slot::kCounts ? s.word(1) + count : 1);
      return true;
    }
    Slot slot{};
    slot.key = key;
    slot.set_count(count);
    if (!slot.key.own(heap)) return false;
    if (s.size >= limit(s.capacity) && !reserve(s, std::uint64_t{s.size} + 1, heap)) {
      slot.key.disown(heap);
      return false;
    }
    put(s, slot, hash);
    return true;
  }

  /// Takes a key out `count` times. Requires: that it was added as often.
  static void remove(State& s, const Key& key, std::uint64_t hash, std::uint64_t count,
                     StateHeap& heap) noexcept requires Slot::kCounts {
    if ((s.capacity & kCompact) != 0) (void)reserve(s, s.size, heap);  // without memory a search of all slots does
    if (!dense(s) && !kTexts && key.zero()) {
      WEIR_DCHECK(s.word(1) >= count);
      s.set_word(1, s.word(1) - count);
      if (s.word(1) == 0) --s.size;
    } else {
      Slot* found = find(s, key, hash);
      WEIR_DCHECK(found != nullptr && found->count() >= count);
      if (found == nullptr) return;
      found->set_count(found->count() - count);
      if (found->count() != 0) return;
      found->key.disown(heap);
      erase(s, static_cast<std::uint32_t>(found - slots(s)));
    }
    if (s.size == 0) release(s, heap);
  }

  /// Makes room for `size` values, as a table or array that rows can go into. False where the heap is at its maximum.
  static bool reserve(State& s, std::uint64_t size, StateHeap& heap) noexcept {
    const std::uint32_t old = capacity(s);
    std::uint32_t wanted = size <= limit(old) ? old : capacity_for(size);
    if (wanted == old && (s.capacity & kCompact) == 0) return true;
    if (wanted == 0) return size <= kInline;
    void* piece = heap.take(std::size_t{wanted} * sizeof(Slot));
    if (piece == nullptr) return false;
    if (wanted > kArray) std::memset(piece, 0, std::size_t{wanted} * sizeof(Slot));
    State grown{};
    grown.capacity = wanted;
    grown.set_word(0, reinterpret_cast<std::uint64_t>(piece));
    if (kTexts) grown.set_word(1, s.word(1));
    (void)each(s, [&](const Slot& slot) {
      put(grown, slot, slot.key.hash());
      return true;
    });
    if (old != 0) heap.give_back(s.piece(), std::size_t{old} * sizeof(Slot));
    s = grown;
    return true;
  }

  /// Moves the slots of a table to the front, each where it is first read. Cost: one pass, no memory.
  static void compact(State& s) noexcept {
    if (dense(s)) return;
    Slot* all = slots(s);
    std::uint32_t to = 0;
    for (std::uint32_t i = 0; i < s.capacity; ++i)
      if (!all[i].key.zero()) all[to++] = all[i];
    if (!kTexts && s.word(1) != 0) {
      all[to] = zero_slot(s.word(1));
      s.set_word(1, 0);
    }
    s.capacity |= kCompact;
  }

  static void release(State& s, StateHeap& heap) noexcept {
    if constexpr (kTexts) {
      (void)each(s, [&](const Slot& slot) {
        slot.key.disown(heap);
        return true;
      });
      give_back_partial(s, heap);
    }
    if (s.capacity != 0) heap.give_back(s.piece(), std::size_t{capacity(s)} * sizeof(Slot));
    s = State{};
  }

  /// Texts: the piece with the last partial, its size in front.
  static void give_back_partial(State& s, StateHeap& heap) noexcept {
    auto* piece = reinterpret_cast<std::uint64_t*>(s.word(1));
    if (piece != nullptr) heap.give_back(piece, *piece);
    s.set_word(1, 0);
  }

  /// Whether values in the order of their hashes may go into the set one after another: into a table with room for all
  /// of them. In a smaller one they would fill its front alone.
  static bool takes_in_order(const State& s, std::uint64_t more) noexcept {
    return (s.capacity & kCompact) == 0 && s.size + more <= limit(s.capacity);
  }
  /// A step through 0 … count - 1 that visits each once and spreads them.
  static std::uint64_t spreading_step(std::uint64_t count) noexcept {
    std::uint64_t step = static_cast<std::uint64_t>(static_cast<double>(count) * 0.6180339887498949) | 1;
    while (std::gcd(step, count) != 1) step += 2;
    return step;
  }

 private:
  static Slot zero_slot(std::uint64_t count) noexcept {
    Slot slot{};
    slot.set_count(count);
    return slot;
  }

  /// Null where it is not there, and for the key of zeros in a table.
  static Slot* find(State& s, const Key& key, std::uint64_t hash) noexcept {
    Slot* all = slots(s);
    if (dense(s)) {
      for (std::uint32_t i = 0; i < s.size; ++i)
        if (all[i].key.same(key)) return all + i;
      return nullptr;
    }
    for (std::uint32_t at = place(hash, s.capacity); !all[at].key.zero(); at = next(at, s.capacity))
      if (all[at].key.same(key)) return all + at;
    return nullptr;
  }

  /// Requires: room for it, and that the key is not there.
  static void put(State& s, const Slot& slot, std::uint64_t hash) noexcept {
    Slot* all = slots(s);
    std::uint32_t at = s.size++;
    if (!dense(s)) {
      if (!kTexts && slot.key.zero()) {
        s.set_word(1, slot.count());
        return;
      }
      for (at = place(hash, s.capacity); !all[at].key.zero();) at = next(at, s.capacity);
    }
    all[at] = slot;
  }

  /// Source: Knuth, TAOCP 3, 6.4, Algorithm R.
  static void erase(State& s, std::uint32_t hole) noexcept {
    Slot* all = slots(s);
    --s.size;
    if (dense(s)) {
      all[hole] = all[s.size];
      return;
    }
    for (std::uint32_t at = next(hole, s.capacity); !all[at].key.zero(); at = next(at, s.capacity)) {
      const std::uint32_t home = place(all[at].key.hash(), s.capacity);
      const bool stays = hole < at ? home > hole && home <= at : home > hole || home <= at;
      if (stays) continue;
      all[hole] = all[at];
      hole = at;
    }
    all[hole] = Slot{};
  }
};

}  // namespace weir::detail
