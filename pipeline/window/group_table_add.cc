// Finding integer keys in a hashed table and adding the count of rows and a double sum, in one pass over the batch. A
// chunk of rows goes through three stages, each of which asks memory for what the next one reads:
//
//   hash ─► prefetch slot ─► read slot ─► prefetch row ─► compare the key, add to the accumulators behind it
//
// See group_table.h.
#include <algorithm>
#include <type_traits>

#include "weir/simd/group.h"
#include "weir/simd/hash.h"
#include "window/group_table.h"

namespace weir {
namespace {

constexpr std::uint32_t kChunk = 128;  // rows of a chunk stay in L1 between the stages

struct NoSum {};

/// Adds rows to the state parts at rows + group * stride + key_bytes.
template <class T>
void add_values(const simd::GroupRows& states, const std::uint32_t* groups, const simd::Rows& rows, const T* values,
                std::size_t offset) noexcept {
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    std::byte* state = states.base + groups[row] * states.stride;
    ++*reinterpret_cast<std::uint64_t*>(state);
    if constexpr (!std::is_same_v<T, NoSum>)
      *reinterpret_cast<double*>(state + offset) += static_cast<double>(values[row]);
  }
}

}  // namespace

/// Looks a chunk of keys up; groups[i] is kEmptySlot where there is none. Keys whose home slot belongs to another key
/// go on in rounds, so that their cache misses overlap as well and no branch depends on a single key.
void GroupTable::look_up(const std::uint64_t* keys, std::uint32_t count, std::uint32_t* groups) const noexcept {
  std::uint64_t at[kChunk];
  std::uint32_t pending[kChunk];
  for (std::uint32_t i = 0; i < count; ++i) {
    at[i] = simd::hash_u64(keys[i]) & slot_mask_;
    pending[i] = i;
    __builtin_prefetch(&slots_[at[i]]);
  }
  std::uint32_t left = count;
  while (left != 0) {
    for (std::uint32_t p = 0; p < left; ++p) {
      const std::uint32_t i = pending[p];
      const std::uint32_t group = groups[i] = slots_[at[i]];
      __builtin_prefetch(rows_ + (group == simd::kEmptySlot ? 0 : group) * stride_, 1);
    }
    std::uint32_t again = 0;
    for (std::uint32_t p = 0; p < left; ++p) {
      const std::uint32_t i = pending[p];
      const bool empty = groups[i] == simd::kEmptySlot;
      const bool other = *key_at(empty ? 0 : groups[i]) != keys[i];
      at[i] = (at[i] + 1) & slot_mask_;
      pending[again] = i;
      again += !empty && other ? 1u : 0u;
    }
    left = again;
  }
}

template <class T>
Result<void> GroupTable::add_integer_keys(const std::uint64_t* words, const simd::Rows& rows, const T* values,
                                          std::size_t offset, std::uint32_t* groups) {
  std::uint64_t keys[kChunk];
  std::uint32_t found[kChunk];
  for (std::uint32_t begin = 0; begin < rows.count; begin += kChunk) {
    const std::uint32_t count = std::min(rows.count - begin, kChunk);
    for (std::uint32_t i = 0; i < count; ++i) keys[i] = words[rows[begin + i]];
    look_up(keys, count, found);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (found[i] == simd::kEmptySlot) [[unlikely]] {
        WEIR_ASSIGN(found[i], find_or_insert_integer(keys[i]));
      }
      groups[rows[begin + i]] = found[i];
    }
    const simd::Rows chunk{count, rows.selection == nullptr ? nullptr : rows.selection + begin, nullptr};
    const std::uint32_t first = rows.selection == nullptr ? begin : 0;
    add_values(state_rows(), groups + first, chunk, std::is_same_v<T, NoSum> ? values : values + first, offset);
  }
  return {};
}

Result<std::uint32_t> GroupTable::find_or_insert_integer(std::uint64_t key) {
  const std::uint64_t hash = simd::hash_u64(key);
  std::uint64_t slot = hash & slot_mask_;
  while (slots_[slot] != simd::kEmptySlot && *key_at(slots_[slot]) != key) slot = (slot + 1) & slot_mask_;
  if (slots_[slot] != simd::kEmptySlot) return slots_[slot];
  WEIR_ASSIGN(const std::uint32_t group, insert(&key));
  place(group, hash);
  return group;
}

Result<bool> GroupTable::add_hashed(BatchKeys& keys, const simd::Rows& rows, const Vector* sum, std::size_t sum_offset,
                                    std::uint32_t* groups) {
  if (mode_ != Mode::kHashed || setup_.keys->form != KeyForm::kInteger || keys.validity() != nullptr) return false;
  const std::uint64_t* words = keys.words();
  if (sum == nullptr)
    WEIR_TRY(add_integer_keys<NoSum>(words, rows, nullptr, 0, groups));
  else if (sum->physical == Physical::kFloat)
    WEIR_TRY(add_integer_keys(words, rows, sum->values<float>(), sum_offset, groups));
  else
    WEIR_TRY(add_integer_keys(words, rows, sum->values<double>(), sum_offset, groups));
  return true;
}

}  // namespace weir
