// KeyIndex: from keys to numbers, for operators whose keys come and go (sessions, count windows): unlike a GroupTable,
// a key can leave, and its number and its place are used again.
//
//   slots | 3 | - | 0 | 1 | - …          open addressing, at most 3/4 full, deletion by moving back what was pushed on
//   rows  | payload | key words | payload | key words | …      by number; free ones in a list
//
// The payload is the operator's own: what it keeps of a key. Long strings of keys stand in a StringStore that is
// written anew when most of it belongs to keys that have left.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/simd/rows.h"
#include "window/group_table.h"
#include "window/state_arena.h"
#include "window/string_store.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only.
class KeyIndex {
 public:
  struct Setup {
    const KeyLayout* keys = nullptr;
    StateArena* arena = nullptr;
    std::uint32_t keys_max = 1u << 20;
    /// A multiple of 8; zeros in a new key. The upper half of its last word is never 0xFFFFFFFF: so a free row is told.
    std::size_t payload_bytes = 8;
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;

  explicit KeyIndex(const Setup& setup) noexcept;

  /// Gives each row the number of its key, by row number; keys that are not there yet come in.
  /// Errors: kLimitExceeded (keys_max, state_bytes_max). Payloads may move. Cost: a probe a row.
  Result<void> find_or_insert(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* numbers);
  /// The key leaves. Requires: a number that is in use.
  void erase(std::uint32_t number) noexcept;

  std::byte* payload(std::uint32_t number) noexcept { return rows_ + number * stride_; }
  const std::byte* payload(std::uint32_t number) const noexcept { return rows_ + number * stride_; }
  /// Writes key column `column` of a key to a row of a vector; long strings stand in this index.
  void read_key(std::size_t column, std::uint32_t number, Vector& to, std::uint32_t row) const noexcept;

  std::uint32_t count() const noexcept { return count_; }
  /// Numbers that were ever in use are below this; some of them may be free.
  std::uint32_t number_end() const noexcept { return used_; }
  bool present(std::uint32_t number) const noexcept;
  std::size_t bytes() const noexcept { return row_block_ + slot_block_ + strings_.bytes(); }
  /// Bytes of one key, for explain.
  std::size_t key_bytes() const noexcept { return stride_ + 2 * sizeof(std::uint32_t); }

  /// Gives memory back: all of it where no key is left, the strings of keys that left where they are most.
  /// Requires: nothing outside refers to the index's strings. Errors: kLimitExceeded (no room for the live strings).
  Result<void> reclaim();

 private:
  const std::uint64_t* key_at(std::uint32_t number) const noexcept {
    return reinterpret_cast<const std::uint64_t*>(rows_ + number * stride_ + setup_.payload_bytes);
  }
  std::uint64_t* key_at(std::uint32_t number) noexcept {
    return reinterpret_cast<std::uint64_t*>(rows_ + number * stride_ + setup_.payload_bytes);
  }
  /// The last word of the payload.
  std::uint64_t& mark(std::uint32_t number) noexcept { return key_at(number)[-1]; }
  std::uint64_t mark(std::uint32_t number) const noexcept { return key_at(number)[-1]; }
  std::uint64_t hash_of(std::uint32_t number) const noexcept;
  Result<std::uint32_t> insert(const std::uint64_t* key);
  Result<std::uint32_t> null_number();
  Result<void> store_strings(std::uint64_t* key, StringStore& store);
  Result<void> grow_rows();
  Result<void> grow_slots();
  Error full() const;
  template <class Body>
  void each_string(std::uint64_t* key, Body&& body) const;

  Setup setup_;
  std::byte* rows_ = nullptr;
  std::size_t row_block_ = 0;
  std::size_t stride_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t free_ = kNone;         // its next stands in its payload, see erase
  std::uint32_t null_number_ = kNone;  // of the NULL of one integer key, which stands in no slot
  std::uint32_t* slots_ = nullptr;
  std::size_t slot_block_ = 0;
  std::uint64_t slot_mask_ = 0;
  StringStore strings_;
  std::size_t strings_live_ = 0;  // bytes of the store when it was last written anew
};

/// Whether two keys in words are the same key.
bool equal_key_words(const KeyLayout& layout, const std::uint64_t* left, const std::uint64_t* right) noexcept;
/// Writes one column of a key in words to a row of a vector. Nullness of kInteger keys is not in the words.
void write_key_column(const KeyLayout& layout, std::size_t column, const std::uint64_t* key, bool null, Vector& to,
                      std::uint32_t row) noexcept;

}  // namespace weir
