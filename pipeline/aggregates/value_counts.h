// ValueCounts: how often each value was there, exactly: what quantiles, modes and top-k lists are made from, and what
// rows can be taken out of again.
//
//   slots | key, count | free (count 0) | key, count | …      open addressing, linear probing, at most 3/4 full;
//                                                             place = high bits of the hash; a count of 0 leaves
//
// Keys are int64 in the order of the values (order_key.h for numbers that are not whole), Int128, or StringRef, whose
// long texts are copied into the heap. Counts may be negative for a while where rows are taken out before they come.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "aggregates/state_piece.h"
#include "weir/core/string_ref.h"
#include "weir/core/type.h"
#include "weir/simd/hash.h"

namespace weir {

inline std::uint64_t value_hash(std::int64_t key) noexcept {
  return simd::hash_u64(static_cast<std::uint64_t>(key));
}
inline std::uint64_t value_hash(Int128 key) noexcept {
  return simd::hash_u128(static_cast<std::uint64_t>(key), static_cast<std::uint64_t>(key >> 64));
}
inline std::uint64_t value_hash(const StringRef& key) noexcept {
  return simd::hash_bytes(key.view().data(), key.size);
}

/// A key that a state keeps. Returns false where the heap is at its maximum.
template <class K>
bool hold_key(const K& key, StateHeap&, K& held) noexcept {
  held = key;
  return true;
}
template <>
inline bool hold_key(const StringRef& key, StateHeap& heap, StringRef& held) noexcept {
  held = key;
  if (key.is_inline()) return true;
  auto* text = static_cast<char*>(heap.take(key.size));
  if (text == nullptr) return false;
  std::memcpy(text, key.data, key.size);
  held.data = text;
  return true;
}
template <class K>
void drop_key(K&, StateHeap&) noexcept {}
template <>
inline void drop_key(StringRef& key, StateHeap& heap) noexcept {
  if (!key.is_inline()) heap.give_back(const_cast<char*>(key.data), key.size);
}

/// A key as bytes in a partial.
template <class K>
bool write_key(const K& key, PieceWriter& to) noexcept {
  return to.append_bits(key);
}
template <>
inline bool write_key(const StringRef& key, PieceWriter& to) noexcept {
  return to.append_bits(key.size) && to.append(key.view());
}
template <class K>
K read_key(PieceReader& from) noexcept {
  return from.take<K>();
}
template <>
inline StringRef read_key(PieceReader& from) noexcept {
  const auto size = from.take<std::uint32_t>();
  return StringRef(from.take_text(size));
}

/// All zeros when empty; may be moved with memcpy. Thread: the owning shard.
template <class K>
struct ValueCounts {
  struct Entry {
    K key;
    std::int64_t count;
  };
  Entry* slots;
  std::uint32_t used;  ///< Values.
  std::uint32_t bits;  ///< log2 of the slots; 0: none yet.

  std::size_t slot_count() const noexcept { return slots == nullptr ? 0 : std::size_t{1} << bits; }

  /// Returns false where the heap is at its maximum; then it is what it was.
  bool add(const K& key, std::int64_t count, StateHeap& heap) noexcept {
    if (count == 0) return true;
    if (used * 4ull >= slot_count() * 3 && !grow(heap)) return false;
    const std::size_t mask = slot_count() - 1;
    for (std::size_t place = home(key);; place = (place + 1) & mask) {
      Entry& slot = slots[place];
      if (slot.count == 0) {
        if (!hold_key(key, heap, slot.key)) return false;
        slot.count = count;
        ++used;
        return true;
      }
      if (slot.key == key) {
        slot.count += count;
        if (slot.count == 0) remove(place, heap);
        return true;
      }
    }
  }

  /// Calls body(key, count) for each value, in no order that means anything.
  template <class Body>
  void each(Body&& body) const {
    const std::size_t size = slot_count();
    for (std::size_t i = 0; i < size; ++i)
      if (slots[i].count != 0) body(slots[i].key, slots[i].count);
  }

  bool combine(const ValueCounts& other, std::int64_t times, StateHeap& heap) noexcept {
    bool done = true;
    other.each([&](const K& key, std::int64_t count) { done = done && add(key, times * count, heap); });
    return done;
  }

  /// Takes `count` from each value's count; those that are then not above 0 leave. Returns false, and changes nothing,
  /// where the heap is at its maximum.
  bool lessen(std::int64_t count, StateHeap& heap) noexcept {
    return move_to(bits, heap, [count](std::int64_t before) { return std::max<std::int64_t>(before - count, 0); });
  }

  void release(StateHeap& heap) noexcept {
    for (std::size_t i = 0; i < slot_count(); ++i)
      if (slots[i].count != 0) drop_key(slots[i].key, heap);
    heap.give_back(slots, slot_count() * sizeof(Entry));
    *this = {};
  }

  bool write(PieceWriter& to) const noexcept {
    bool done = true;
    each([&](const K& key, std::int64_t count) { done = done && to.append_bits(count) && write_key(key, to); });
    return done;
  }
  bool add_written(PieceReader& from, StateHeap& heap) noexcept {
    while (!from.done()) {
      const auto count = from.take<std::int64_t>();
      if (!add(read_key<K>(from), count, heap)) return false;
    }
    return true;
  }

 private:
  std::size_t home(const K& key) const noexcept { return value_hash(key) >> (64 - bits); }

  bool grow(StateHeap& heap) noexcept {
    return move_to(slots == nullptr ? 2 : bits + 1, heap, [](std::int64_t count) { return count; });
  }

  // Into a new table, with counts as `changed` says; those whose count becomes 0 leave.
  template <class Changed>
  bool move_to(std::uint32_t new_bits, StateHeap& heap, Changed&& changed) noexcept {
    const std::size_t size = std::size_t{1} << new_bits;
    auto* taken = static_cast<Entry*>(heap.take(size * sizeof(Entry)));
    if (taken == nullptr) return false;
    for (std::size_t i = 0; i < size; ++i) taken[i].count = 0;
    const ValueCounts before = *this;
    slots = taken;
    bits = new_bits;
    used = 0;
    for (std::size_t i = 0; i < before.slot_count(); ++i) {
      Entry& entry = before.slots[i];
      if (entry.count == 0) continue;
      const std::int64_t count = changed(entry.count);
      if (count == 0) {
        drop_key(entry.key, heap);
        continue;
      }
      std::size_t place = home(entry.key);
      while (slots[place].count != 0) place = (place + 1) & (size - 1);
      slots[place] = {entry.key, count};
      ++used;
    }
    heap.give_back(before.slots, before.slot_count() * sizeof(Entry));
    return true;
  }

  // Those behind it that would have stood here move up, so that no walk ends too early.
  void remove(std::size_t place, StateHeap& heap) noexcept {
    drop_key(slots[place].key, heap);
    const std::size_t mask = slot_count() - 1;
    std::size_t hole = place;
    for (std::size_t next = (hole + 1) & mask; slots[next].count != 0; next = (next + 1) & mask) {
      if (((next - home(slots[next].key)) & mask) < ((next - hole) & mask)) continue;
      slots[hole] = slots[next];
      hole = next;
    }
    slots[hole].count = 0;
    --used;
  }
};

}  // namespace weir
