// Dictionaries of the host as scalar functions (lookup.h): close keys index an array of values, others are hashed.
#include "weir/pipeline/lookup.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "expression/functions.h"
#include "expression/host_function.h"
#include "weir/simd/hash.h"

namespace weir {
namespace {

// An array that spans up to this many numbers always pays; above, an eighth of them must be keys.
constexpr std::uint64_t kArrayFree = 65536;
constexpr std::uint64_t kArrayShare = 8;

/// Immutable after fill().
struct LookupTable {
  std::int64_t base = 0;
  std::vector<std::int64_t> array;       // by key - base
  std::vector<std::uint64_t> array_has;  // bitmap of keys; empty: every number in the range is one
  struct Slot {
    std::int64_t key = 0, value = 0;
  };
  std::vector<Slot> slots;                // at most half full
  std::vector<std::uint64_t> slots_used;  // bitmap
  std::uint64_t mask = 0;

  static bool bit(const std::vector<std::uint64_t>& bits, std::uint64_t at) noexcept {
    return (bits[at / 64] >> (at % 64) & 1) != 0;
  }

  /// False where a key comes twice.
  bool fill(const LookupEntries& entries) {
    if (entries.count == 0) return true;
    const auto [least, greatest] = std::minmax_element(entries.keys, entries.keys + entries.count);
    const std::uint64_t range = static_cast<std::uint64_t>(*greatest) - static_cast<std::uint64_t>(*least);
    if (range < std::max<std::uint64_t>(kArrayFree, kArrayShare * entries.count))
      return fill_array(entries, *least, range + 1);
    return fill_slots(entries);
  }

  bool fill_array(const LookupEntries& entries, std::int64_t least, std::uint64_t range) {
    base = least;
    array.resize(range);
    array_has.resize((range + 63) / 64);
    for (std::size_t i = 0; i < entries.count; ++i) {
      const std::uint64_t at = static_cast<std::uint64_t>(entries.keys[i]) - static_cast<std::uint64_t>(base);
      if (bit(array_has, at)) return false;
      array_has[at / 64] |= std::uint64_t{1} << (at % 64);
      array[at] = entries.values[i];
    }
    if (entries.count == range) array_has.clear();
    return true;
  }

  bool fill_slots(const LookupEntries& entries) {
    mask = std::bit_ceil(2 * entries.count) - 1;
    slots.resize(mask + 1);
    slots_used.resize((mask + 64) / 64);
    for (std::size_t i = 0; i < entries.count; ++i) {
      std::uint64_t slot = simd::hash_u64(static_cast<std::uint64_t>(entries.keys[i])) & mask;
      for (; bit(slots_used, slot); slot = (slot + 1) & mask)
        if (slots[slot].key == entries.keys[i]) return false;
      slots_used[slot / 64] |= std::uint64_t{1} << (slot % 64);
      slots[slot] = {entries.keys[i], entries.values[i]};
    }
    return true;
  }

  bool find(std::int64_t key, std::int64_t& value) const noexcept {
    if (slots.empty()) {
      const std::uint64_t at = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(base);
      if (at >= array.size() || (!array_has.empty() && !bit(array_has, at))) return false;
      value = array[at];
      return true;
    }
    std::uint64_t slot = simd::hash_u64(static_cast<std::uint64_t>(key)) & mask;
    for (; bit(slots_used, slot); slot = (slot + 1) & mask) {
      if (slots[slot].key != key) continue;
      value = slots[slot].value;
      return true;
    }
    return false;
  }
};

void lookup_kernel(KernelCall& call);

struct Lookup : HostFunction {
  struct Function : ScalarFunction {
    const LookupTable* table = nullptr;
  };
  LookupTable table;
  Function function;
};

/// Keys that fill their range: one load and one compare a row. Returns how many of the rows it did: all, or those
/// before the first whose key is not there.
template <class RowOf>
std::uint32_t look_up_close(const LookupTable& table, const std::int64_t* keys, std::uint32_t count, RowOf&& row_of,
                            std::int64_t* out) noexcept {
  const std::int64_t* values = table.array.data();
  const std::uint64_t size = table.array.size();
  const auto base = static_cast<std::uint64_t>(table.base);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t row = row_of(i);
    const std::uint64_t at = static_cast<std::uint64_t>(keys[row]) - base;
    if (at >= size) return i;
    out[row] = values[at];
  }
  return count;
}

void lookup_kernel(KernelCall& call) {
  const LookupTable& table = *static_cast<const Lookup::Function*>(call.expression->function)->table;
  const Operand& keys = call.arguments[0];
  std::uint32_t done = 0;
  if (keys.validity == nullptr && !keys.is_constant() && table.slots.empty() && table.array_has.empty()) {
    const auto look_up = [&](auto&& row_of) {
      return look_up_close(table, static_cast<const std::int64_t*>(keys.data), call.range.count, row_of,
                           call.result->values<std::int64_t>());
    };
    done = call.range.rows == nullptr ? look_up([](std::uint32_t i) { return i; })
                                      : look_up([rows = call.range.rows](std::uint32_t i) { return rows[i]; });
  }
  if (done == call.range.count) return;
  map_rows<std::int64_t, std::int64_t>(call, [&](std::int64_t& out, const std::int64_t& key) {
    return table.find(key, out) ? Outcome::kValue : Outcome::kNull;
  });
}

}  // namespace

Result<HostFunctionPtr> make_lookup(std::string name, const LookupEntries& entries) {
  const std::string what = "the lookup " + name;
  if (entries.count > kLookupEntriesMax)
    return Error(ErrorCode::kLimitExceeded,
                 what + " has more than lookup_entries_max = " + std::to_string(kLookupEntriesMax) + " entries");
  auto made = std::make_shared<Lookup>();
  if (!made->table.fill(entries)) return Error(ErrorCode::kInvalidArgument, what + " has a key twice");
  made->name = std::move(name);
  made->signature = made->name + "(BIGINT)";
  static_cast<ScalarFunction&>(made->function) = {made->name, "l", 'l', &lookup_kernel, kMayBeNull};
  made->function.table = &made->table;
  made->entry = {made->name, made->signature, "the host's value for the key, NULL where it has none",
                 std::span<const ScalarFunction>(static_cast<const ScalarFunction*>(&made->function), 1)};
  return HostFunctionPtr(std::move(made));
}

}  // namespace weir
