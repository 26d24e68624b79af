// Rows on their way into sets of different values. See distinct_set.h; one state is distinct_table.h.
#include "aggregates/distinct_set.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "aggregates/distinct_table.h"
#include "window/state_arena.h"

namespace weir {
namespace {

using detail::BytesKey;
using detail::CountedSlot;
using detail::DistinctState;
using detail::DistinctTable;
using detail::PlainSlot;
using detail::WideKey;
using detail::WordKey;

constexpr std::uint32_t kChunk = 1024;  // rows whose hashes are made at a time; a multiple of 64
constexpr std::uint32_t kAhead = 16;    // rows between a prefetch and its use
constexpr std::uint64_t kCanonicalNan = 0x7FF8000000000000ull;

Error full(const StateHeap& heap) {
  return Error(ErrorCode::kLimitExceeded, "the values of a DISTINCT aggregate take more than state_bytes_max (" +
                                              std::to_string(heap.arena()->bytes_max()) + ")")
      .with_hint("raise state_bytes_max, use shorter windows, or APPROX_COUNT_DISTINCT");
}

Result<void> done_or_full(bool done, const StateHeap& heap) {
  if (done) return {};
  return full(heap);
}

/// The finalizer of simd::hash_u64, backwards.
std::uint64_t value_of_hash(std::uint64_t hash) noexcept {
  hash ^= hash >> 33;
  hash *= 0x9CB4B2F8129337DBull;
  hash ^= hash >> 33;
  hash *= 0x4F74430C22A54005ull;
  hash ^= hash >> 33;
  return hash;
}

template <class T>
std::uint64_t word_of(T value) noexcept {
  if constexpr (std::is_floating_point_v<T>) {
    const double wide = static_cast<double>(value) + 0.0;  // -0 becomes 0
    return std::isnan(wide) ? kCanonicalNan : std::bit_cast<std::uint64_t>(wide);
  } else {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  }
}

template <class T>
void hash_range(const T* values, std::uint32_t count, std::uint64_t* hashes) {
  const simd::Rows rows{count, nullptr, nullptr};
  if constexpr (std::is_same_v<T, double>)
    simd::hash_doubles(values, rows, simd::HashMode::kStart, hashes);
  else if constexpr (std::is_same_v<T, float>)
    simd::hash_floats(values, rows, simd::HashMode::kStart, hashes);
  else
    simd::hash_column(values, rows, simd::HashMode::kStart, hashes);
}

/// Calls body(T{}) for the C++ type of a vector whose values fit in a word.
template <class Body>
decltype(auto) with_word_type(Physical physical, Body&& body) {
  switch (physical) {
    case Physical::kInt8:
      return body(std::int8_t{});
    case Physical::kInt16:
      return body(std::int16_t{});
    case Physical::kInt32:
      return body(std::int32_t{});
    case Physical::kFloat:
      return body(float{});
    case Physical::kDouble:
      return body(double{});
    default:
      return body(std::int64_t{});
  }
}

/// Some rows that are to be added, one behind another.
template <class Key>
struct Chunk {
  std::uint32_t count = 0;
  alignas(64) std::uint64_t hashes[kChunk];
  std::uint32_t groups[kChunk];
  Key keys[std::is_same_v<Key, WordKey> ? 1 : kChunk];  // a word's key is its hash

  Key key(std::uint32_t i) const noexcept {
    if constexpr (std::is_same_v<Key, WordKey>)
      return {hashes[i]};
    else
      return keys[i];
  }
};

/// Gives the valid rows as chunks to body. `take(row)` is the hash of a row; it may put the key at chunk.keys[count].
template <class Key, class Take, class Body>
Result<void> in_chunks(const AggregateRows& rows, Chunk<Key>& chunk, Take&& take, Body&& body) {
  chunk.count = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows.row(i);
    if (!rows.valid(row)) continue;
    chunk.hashes[chunk.count] = take(row);
    chunk.groups[chunk.count] = rows.groups == nullptr ? 0 : rows.groups[row];
    if (++chunk.count < kChunk) continue;
    WEIR_TRY(body(chunk));
    chunk.count = 0;
  }
  if (chunk.count == 0) return {};
  return body(chunk);
}

template <class T, class Body>
Result<void> word_chunks(const AggregateRows& rows, Body&& body) {
  const T* values = rows.arguments[0]->values<T>();
  Chunk<WordKey> chunk;
  if (rows.selection != nullptr)
    return in_chunks(
        rows, chunk, [&](std::uint32_t row) { return simd::hash_u64(word_of(values[row])); }, body);
  for (std::uint32_t first = 0; first < rows.count; first += kChunk) {
    const std::uint32_t count = std::min(kChunk, rows.count - first);
    hash_range(values + first, count, chunk.hashes);
    chunk.count = count;
    if (rows.groups != nullptr) std::copy_n(rows.groups + first, count, chunk.groups);
    if (rows.validity != nullptr) {
      std::uint32_t kept = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        chunk.hashes[kept] = chunk.hashes[i];
        chunk.groups[kept] = rows.groups == nullptr ? 0 : chunk.groups[i];
        kept += rows.valid(first + i) ? 1 : 0;
      }
      chunk.count = kept;
    }
    WEIR_TRY(body(chunk));
  }
  return {};
}

template <class Body>
Result<void> wide_chunks(const AggregateRows& rows, Body&& body) {
  const auto* values = rows.arguments[0]->values<WideKey>();
  Chunk<WideKey> chunk;
  const auto take = [&](std::uint32_t row) {
    chunk.keys[chunk.count] = values[row];
    return values[row].hash();
  };
  return in_chunks(rows, chunk, take, body);
}

BytesKey bytes_key(const StringRef& text) noexcept {
  const std::string_view view = text.view();
  const std::uint64_t hash = simd::hash_bytes(view.data(), view.size());
  return {hash == 0 ? 1 : hash, text};
}

template <class Body>
Result<void> text_chunks(const AggregateRows& rows, Body&& body) {
  const auto* values = rows.arguments[0]->values<StringRef>();
  Chunk<BytesKey> chunk;
  const auto take = [&](std::uint32_t row) {
    chunk.keys[chunk.count] = bytes_key(values[row]);
    return chunk.keys[chunk.count].bits;
  };
  return in_chunks(rows, chunk, take, body);
}

// ---- Rows of several columns as bytes --------------------------------------------------------------------------

std::size_t encoded_bytes(const AggregateRows& rows, std::uint32_t row) noexcept {
  std::size_t bytes = 0;
  for (const Vector* column : rows.arguments) {
    if (column->physical == Physical::kString)
      bytes += 4 + column->values<StringRef>()[row].size;
    else
      bytes += column->physical == Physical::kInt128 ? 16 : 8;
  }
  return bytes;
}

void encode(const AggregateRows& rows, std::uint32_t row, char* to) noexcept {
  for (const Vector* column : rows.arguments) {
    if (column->physical == Physical::kString) {
      const StringRef& text = column->values<StringRef>()[row];
      std::memcpy(to, &text.size, 4);
      std::memcpy(to + 4, text.view().data(), text.size);
      to += 4 + text.size;
    } else if (column->physical == Physical::kInt128) {
      std::memcpy(to, column->values<Int128>() + row, 16);
      to += 16;
    } else {
      const std::uint64_t word =
          with_word_type(column->physical, [&]<class T>(T) { return word_of(column->values<T>()[row]); });
      std::memcpy(to, &word, 8);
      to += 8;
    }
  }
}

/// Gives each row as bytes, in a chunk of one.
template <class Body>
Result<void> tuple_chunks(const AggregateRows& rows, StateHeap& heap, Body&& body) {
  Chunk<BytesKey> chunk;
  char near[512];
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows.row(i);
    if (!rows.valid(row)) continue;
    const std::size_t bytes = encoded_bytes(rows, row);
    char* memory = bytes <= sizeof near ? near : static_cast<char*>(heap.take(bytes));
    if (memory == nullptr || bytes > 0xFFFFFFF0u) return full(heap);
    encode(rows, row, memory);
    chunk.keys[0] = bytes_key(StringRef(std::string_view(memory, bytes)));
    chunk.hashes[0] = chunk.keys[0].bits;
    chunk.groups[0] = rows.groups == nullptr ? 0 : rows.groups[row];
    chunk.count = 1;
    Result<void> done = body(chunk);
    if (memory != near) heap.give_back(memory, bytes);
    if (!done) return done;
  }
  return {};
}

// ---- Chunks into tables ------------------------------------------------------------------------------------------

/// Words into one plain table: the loop behind an ungrouped COUNT(DISTINCT x). Returns how many it added; less than
/// `count` where the table is full (it has to grow) or no table yet.
std::uint32_t fill_table(DistinctState& s, const std::uint64_t* hashes, std::uint32_t count) noexcept {
  using Table = DistinctTable<PlainSlot<WordKey>>;
  if (Table::dense(s)) return 0;
  auto* slots = reinterpret_cast<std::uint64_t*>(Table::slots(s));
  const std::uint32_t capacity = s.capacity;
  const std::uint32_t limit = Table::limit(capacity);
  std::uint32_t size = s.size;
  std::uint32_t i = 0;
  for (; i < count; ++i) {
    if (i + kAhead < count) __builtin_prefetch(slots + Table::place(hashes[i + kAhead], capacity), 1);
    const std::uint64_t hash = hashes[i];
    std::uint32_t at = Table::place(hash, capacity);
    while (slots[at] != hash && slots[at] != 0) at = Table::next(at, capacity);
    if (slots[at] == hash && hash != 0) continue;
    if (size >= limit) break;  // the value of zeros counts and takes no slot
    if (hash != 0) {
      slots[at] = hash;
      ++size;
    } else {
      size += s.word(1) == 0 ? 1 : 0;
      s.set_word(1, 1);
    }
  }
  s.size = size;
  return i;
}

template <class Slot>
bool add_chunk(const Chunk<typename Slot::Key>& chunk, const AggregateStates& to, bool grouped) noexcept {
  using Table = DistinctTable<Slot>;
  std::uint32_t i = 0;
  if constexpr (std::is_same_v<Slot, PlainSlot<WordKey>>) {
    while (!grouped && i < chunk.count) {
      DistinctState& s = Table::of(to.base);
      i += fill_table(s, chunk.hashes + i, chunk.count - i);
      if (i == chunk.count) return true;
      if (!Table::add(s, chunk.key(i), chunk.hashes[i], 1, *to.heap)) return false;
      ++i;
    }
  }
  const auto state = [&](std::uint32_t row) { return to.state(grouped ? chunk.groups[row] : 0); };
  for (; i < chunk.count; ++i) {
    if (i + 2 * kAhead < chunk.count) __builtin_prefetch(state(i + 2 * kAhead), 1);
    if (i + kAhead < chunk.count) {
      const DistinctState& s = Table::of(state(i + kAhead));
      if (!Table::dense(s)) __builtin_prefetch(Table::slots(s) + Table::place(chunk.hashes[i + kAhead], s.capacity), 1);
    }
    DistinctState& s = Table::of(state(i));
    if (!Slot::kCounts && Table::has(s, chunk.key(i), chunk.hashes[i])) continue;
    if (!Table::add(s, chunk.key(i), chunk.hashes[i], 1, *to.heap)) return false;
  }
  return true;
}

// ---- Partials: slots as they stand, or, for texts, | hash | count (counted) | size u32 | bytes | -------------------

template <class Slot>
std::size_t text_bytes(const Slot& slot) noexcept {
  return 12 + (Slot::kCounts ? 8 : 0) + slot.key.text.size;
}

template <class Slot>
char* write_text(const Slot& slot, char* to) noexcept {
  std::memcpy(to, &slot.key.bits, 8);
  to += 8;
  if constexpr (Slot::kCounts) {
    std::memcpy(to, &slot.times, 8);
    to += 8;
  }
  std::memcpy(to, &slot.key.text.size, 4);
  std::memcpy(to + 4, slot.key.text.view().data(), slot.key.text.size);
  return to + 4 + slot.key.text.size;
}

/// Returns where the next one stands.
template <class Slot>
const char* read_text(const char* from, Slot& slot) noexcept {
  std::memcpy(&slot.key.bits, from, 8);
  from += 8;
  if constexpr (Slot::kCounts) {
    std::memcpy(&slot.times, from, 8);
    from += 8;
  }
  std::uint32_t size;
  std::memcpy(&size, from, 4);
  slot.key.text = StringRef(std::string_view(from + 4, size));
  return from + 4 + size;
}

// ---- From keys back to columns ---------------------------------------------------------------------------------

void write_word(std::uint64_t word, Vector& to, std::uint32_t row) noexcept {
  with_word_type(to.physical, [&]<class T>(T) {
    if constexpr (std::is_floating_point_v<T>)
      to.values<T>()[row] = static_cast<T>(std::bit_cast<double>(word));
    else
      to.values<T>()[row] = static_cast<T>(word);
  });
}

void decode(const char* from, std::span<Vector> columns, std::uint32_t row) noexcept {
  for (Vector& column : columns) {
    if (column.physical == Physical::kString) {
      std::uint32_t size;
      std::memcpy(&size, from, 4);
      column.values<StringRef>()[row] = StringRef(std::string_view(from + 4, size));
      from += 4 + size;
    } else if (column.physical == Physical::kInt128) {
      std::memcpy(column.values<Int128>() + row, from, 16);
      from += 16;
    } else {
      std::uint64_t word;
      std::memcpy(&word, from, 8);
      write_word(word, column, row);
      from += 8;
    }
  }
}

template <class Slot>
class SetOf final : public DistinctSet {
 public:
  using Key = typename Slot::Key;
  using Table = DistinctTable<Slot>;

  explicit SetOf(std::vector<Physical> columns) : columns_(std::move(columns)) {}

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    return chunks(rows, *to.heap, [&](const Chunk<Key>& chunk) {
      return done_or_full(add_chunk<Slot>(chunk, to, rows.groups != nullptr), *to.heap);
    });
  }

  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return chunks(rows, *from.heap, [&](const Chunk<Key>& chunk) -> Result<void> {
      if constexpr (Slot::kCounts) {
        for (std::uint32_t i = 0; i < chunk.count; ++i) {
          std::byte* state = from.state(rows.groups == nullptr ? 0 : chunk.groups[i]);
          Table::remove(Table::of(state), chunk.key(i), chunk.hashes[i], 1, *from.heap);
        }
        return {};
      } else {
        WEIR_CHECK(false);
        return {};
      }
    });
  }

  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    DistinctState& into = Table::of(to);
    const DistinctState& what = Table::of(from);
    const auto one = [&](const Slot& slot) { return Table::add(into, slot.key, slot.key.hash(), slot.count(), heap); };
    const bool done = Table::reserve(into, std::max(into.size, what.size), heap) &&
                      visit(what, Table::takes_in_order(into, what.size), one);
    return done_or_full(done, heap);
  }

  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    if constexpr (Slot::kCounts) {
      (void)Table::each(Table::of(what), [&](const Slot& slot) {
        Table::remove(Table::of(from), slot.key, slot.key.hash(), slot.times, heap);
        return true;
      });
      return {};
    } else {
      WEIR_CHECK(false);
      return {};
    }
  }

  void release(std::byte* state, StateHeap& heap) const noexcept override { Table::release(Table::of(state), heap); }

  Result<std::string_view> partial(std::byte* state, StateHeap& heap) const override {
    DistinctState& s = Table::of(state);
    if constexpr (!Table::kTexts) {
      Table::compact(s);
      return std::string_view(reinterpret_cast<const char*>(Table::slots(s)), s.size * sizeof(Slot));
    } else {
      Table::give_back_partial(s, heap);
      std::uint64_t bytes = 8;
      (void)Table::each(s, [&](const Slot& slot) { return (bytes += text_bytes(slot)) != 0; });
      auto* piece = static_cast<char*>(heap.take(bytes));
      if (piece == nullptr) return full(heap);
      std::memcpy(piece, &bytes, 8);
      s.set_word(1, reinterpret_cast<std::uint64_t>(piece));
      char* at = piece + 8;
      (void)visit(s, false, [&](const Slot& slot) { return (at = write_text(slot, at)) != nullptr; });
      return std::string_view(piece + 8, bytes - 8);
    }
  }

  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    DistinctState& s = Table::of(state);
    if constexpr (!Table::kTexts) {
      const std::uint64_t count = partial.size() / sizeof(Slot);
      if (count == 0) return {};
      if (!Table::reserve(s, std::max<std::uint64_t>(s.size, count), heap)) return full(heap);
      const std::uint64_t step = Table::takes_in_order(s, count) ? 1 : Table::spreading_step(count);
      for (std::uint64_t i = 0, at = 0; i < count; ++i, at = (at + step) % count) {
        Slot slot;
        std::memcpy(&slot, partial.data() + at * sizeof(Slot), sizeof slot);
        if (!Table::add(s, slot.key, slot.key.hash(), slot.count(), heap)) return full(heap);
      }
    } else {
      Slot slot{};
      const char* const end = partial.data() + partial.size();
      for (const char* at = partial.data(); at != end;) {
        at = read_text(at, slot);
        if (!Table::add(s, slot.key, slot.key.bits, slot.count(), heap)) return full(heap);
      }
    }
    return {};
  }

  Result<void> each(const std::byte* state, StateHeap& heap, const Body& body) const override {
    constexpr std::uint32_t kRows = 256;
    const std::size_t per_column = kRows * 16 + sizeof(Vector) + sizeof(Vector*);
    const std::size_t bytes = columns_.size() * per_column;
    auto* memory = static_cast<std::byte*>(heap.take(bytes));
    if (memory == nullptr) return full(heap);
    auto* vectors = reinterpret_cast<Vector*>(memory + columns_.size() * kRows * 16);
    auto* pointers = reinterpret_cast<const Vector**>(vectors + columns_.size());
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      ::new (vectors + c) Vector{columns_[c], memory + c * kRows * 16, nullptr, nullptr};
      pointers[c] = vectors + c;
    }
    AggregateRows rows;
    rows.arguments = {pointers, columns_.size()};
    std::uint64_t counts[kRows];
    Result<void> result;
    const auto give = [&] {
      result = body(rows, counts);
      rows.arrival += rows.count;
      rows.count = 0;
      return result.has_value();
    };
    const bool went_on = Table::each(Table::of(state), [&](const Slot& slot) {
      counts[rows.count] = slot.count();
      write_key(slot.key, {vectors, columns_.size()}, rows.count++);
      return rows.count < kRows || give();
    });
    if (went_on && rows.count != 0) (void)give();
    heap.give_back(memory, bytes);
    return result;
  }

 private:
  template <class Body>
  Result<void> chunks(const AggregateRows& rows, [[maybe_unused]] StateHeap& heap, Body&& body) const {
    if constexpr (std::is_same_v<Key, WordKey>)
      return with_word_type(columns_[0], [&]<class T>(T) { return word_chunks<T>(rows, body); });
    else if constexpr (std::is_same_v<Key, WideKey>)
      return wide_chunks(rows, body);
    else if (columns_.size() == 1)
      return text_chunks(rows, body);
    else
      return tuple_chunks(rows, heap, body);
  }

  /// Calls body for each slot until it says false: in the order of their hashes, or far from it.
  template <class Body>
  static bool visit(const DistinctState& what, bool in_order, Body&& body) {
    if (in_order || what.size <= Table::kArray) return Table::each(what, body);
    const bool dense = Table::dense(what);
    const std::uint32_t count = dense ? what.size : what.capacity;
    const Slot* slots = Table::slots(what);
    const std::uint64_t step = Table::spreading_step(count);
    std::uint64_t at = 0;
    for (std::uint32_t i = 0; i < count; ++i, at = (at + step) % count)
      if ((dense || !slots[at].key.zero()) && !body(slots[at])) return false;
    if (dense || Table::kTexts || what.word(1) == 0) return true;
    Slot zero{};
    zero.set_count(what.word(1));
    return body(zero);
  }

  static void write_key(const WordKey& key, std::span<Vector> columns, std::uint32_t row) noexcept {
    write_word(value_of_hash(key.bits), columns[0], row);
  }
  static void write_key(const WideKey& key, std::span<Vector> columns, std::uint32_t row) noexcept {
    columns[0].values<WideKey>()[row] = key;
  }
  static void write_key(const BytesKey& key, std::span<Vector> columns, std::uint32_t row) noexcept {
    if (columns.size() == 1)
      columns[0].values<StringRef>()[row] = key.text;
    else
      decode(key.text.view().data(), columns, row);
  }

  std::vector<Physical> columns_;
};

template <class Key>
std::unique_ptr<DistinctSet> make_set(std::vector<Physical> columns, DistinctForm form) {
  if (form == DistinctForm::kCounted) return std::make_unique<SetOf<CountedSlot<Key>>>(std::move(columns));
  return std::make_unique<SetOf<PlainSlot<Key>>>(std::move(columns));
}

}  // namespace

Result<std::unique_ptr<DistinctSet>> DistinctSet::make(std::span<const Type> columns, DistinctForm form) {
  std::vector<Physical> physical;
  for (const Type& type : columns) {
    if (type.physical() == Physical::kNested)
      return Error(ErrorCode::kSqlType, "DISTINCT does not take values of type " + type.to_string());
    physical.push_back(type.physical());
  }
  if (physical.empty()) return Error(ErrorCode::kSqlType, "DISTINCT needs a value");
  if (physical.size() > 1 || physical[0] == Physical::kString) return make_set<BytesKey>(std::move(physical), form);
  if (physical[0] == Physical::kInt128) return make_set<WideKey>(std::move(physical), form);
  return make_set<WordKey>(std::move(physical), form);
}

std::uint64_t DistinctSet::size(const std::byte* state) noexcept {
  return reinterpret_cast<const DistinctState*>(state)->size;
}

}  // namespace weir
