// Aggregates that keep the value of one row: FIRST_VALUE, LAST_VALUE (by RowOrder), ANY_VALUE (the least, so that it
// is the same for every plan), ARG_MIN, ARG_MAX and their other names MIN_BY, MAX_BY.
//
//   state   | set | value | order or key … | partial |       only the parts that the function and its types need
//
// One row is kept, so nothing can be taken out again; where that is asked for, ANY_VALUE keeps counts of values.
#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/exact_state.h"
#include "aggregates/kept_value.h"

namespace weir {
namespace {

enum class Pick : std::uint8_t { kFirst, kLast, kAny, kArgMin, kArgMax };

class PickFunction final : public AggregateFunction {
 public:
  PickFunction(const AggregateCallInfo& call, Pick pick)
      : pick_(pick),
        value_(call.arguments[0].physical()),
        key_(call.arguments.size() > 1 ? call.arguments[1].physical() : Physical::kInt64) {
    std::size_t at = sizeof(std::uint64_t) + sizeof(KeptValue);
    if (has_order()) order_at_ = std::exchange(at, at + sizeof(RowOrder));
    if (has_key()) key_at_ = std::exchange(at, at + sizeof(KeptValue));
    if (owns_memory()) piece_at_ = std::exchange(at, at + sizeof(Piece));
    bytes_ = at;
  }

  std::size_t state_bytes() const noexcept override { return bytes_; }
  bool owns_memory() const noexcept override { return value_.is_text() || (has_key() && key_.is_text()); }
  bool order_sensitive() const noexcept override { return has_order(); }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    const Vector& values = *rows.arguments[0];
    bool kept = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      std::byte* state = to.state(group);
      const RowOrder place = rows.order(row);
      if (is_set(state) && !better(rows, row, place, state)) return;
      if (has_key() && !key_.keep(at<KeptValue>(state, key_at_), *rows.arguments[1], row, *to.heap)) kept = false;
      if (!value_.keep(value(state), values, row, *to.heap)) kept = false;
      if (has_order()) at<RowOrder>(state, order_at_) = place;
      at<std::uint64_t>(state, 0) = 1;
    });
    return kept ? Result<void>() : state_is_full();
  }

  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    if (!is_set(from) || (is_set(to) && !better(from, to))) return {};
    if (has_key() && !key_.keep(at<KeptValue>(to, key_at_), at<KeptValue>(from, key_at_), heap)) return state_is_full();
    if (!value_.keep(value(to), value(from), heap)) return state_is_full();
    if (has_order()) at<RowOrder>(to, order_at_) = at<RowOrder>(from, order_at_);
    at<std::uint64_t>(to, 0) = 1;
    return {};
  }

  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    to.set_valid(row, is_set(state));
    value_.write(value(state), to, row);  // zeros where there is none
    return {};
  }

  void release(std::byte* state, StateHeap& heap) const noexcept override {
    if (!owns_memory()) return;
    value_.release(value(state), heap);
    if (has_key()) key_.release(at<KeptValue>(state, key_at_), heap);
    auto& piece = at<Piece>(state, piece_at_);
    heap.give_back(piece.memory, piece.bytes);
    piece = {};
    at<std::uint64_t>(state, 0) = 0;
  }

  /// The state; behind it the bytes of its long texts, the key's first.
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    const std::size_t texts = long_bytes(state);
    if (texts == 0) return std::string_view(reinterpret_cast<const char*>(state), bytes_);
    auto& piece = at<Piece>(const_cast<std::byte*>(state), piece_at_);
    if (piece.bytes < bytes_ + texts) {
      heap.give_back(piece.memory, piece.bytes);
      piece = {};
      piece.memory = static_cast<std::byte*>(heap.take(bytes_ + texts));
      if (piece.memory == nullptr) return state_is_full();
      piece.bytes = bytes_ + texts;
    }
    std::memcpy(piece.memory, state, bytes_);
    std::byte* end = piece.memory + bytes_;
    each_text(state, [&](const KeptValue& kept) {
      const std::string_view text = ValueKeeper::text(kept);
      if (text.size() <= StringRef::kInlineMax) return;
      std::memcpy(end, text.data(), text.size());
      end += text.size();
    });
    return std::string_view(reinterpret_cast<const char*>(piece.memory), bytes_ + texts);
  }

  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    alignas(16) std::byte other[kStateBytesMax];
    std::memcpy(other, partial.data(), bytes_);
    partial.remove_prefix(bytes_);
    each_text(other, [&](const KeptValue& kept) {
      StringRef text;
      std::memcpy(static_cast<void*>(&text), kept.bytes, sizeof text);
      if (text.is_inline()) return;
      text.data = partial.data();
      partial.remove_prefix(text.size);
      std::memcpy(const_cast<std::byte*>(kept.bytes), &text, sizeof text);
    });
    return combine(state, other, heap);
  }

 private:
  struct Piece {  // for the last partial
    std::byte* memory;
    std::size_t bytes;
  };
  static constexpr std::size_t kStateBytesMax = 80;

  template <class T>
  static T& at(std::byte* state, std::size_t offset) noexcept {
    return *reinterpret_cast<T*>(state + offset);
  }
  template <class T>
  static const T& at(const std::byte* state, std::size_t offset) noexcept {
    return *reinterpret_cast<const T*>(state + offset);
  }
  static bool is_set(const std::byte* state) noexcept { return at<std::uint64_t>(state, 0) != 0; }
  static KeptValue& value(std::byte* state) noexcept { return at<KeptValue>(state, sizeof(std::uint64_t)); }
  static const KeptValue& value(const std::byte* state) noexcept { return at<KeptValue>(state, sizeof(std::uint64_t)); }

  bool has_order() const noexcept { return pick_ != Pick::kAny; }
  bool has_key() const noexcept { return pick_ == Pick::kArgMin || pick_ == Pick::kArgMax; }

  bool better(const AggregateRows& rows, std::uint32_t row, const RowOrder& place, const std::byte* kept) const {
    if (pick_ == Pick::kFirst) return place < at<RowOrder>(kept, order_at_);
    if (pick_ == Pick::kLast) return place > at<RowOrder>(kept, order_at_);
    if (pick_ == Pick::kAny) return value_.compare(*rows.arguments[0], row, value(kept)) < 0;
    return better(key_.compare(*rows.arguments[1], row, at<KeptValue>(kept, key_at_)), place, kept);
  }
  bool better(const std::byte* state, const std::byte* kept) const {
    if (pick_ == Pick::kAny) return value_.compare(value(state), value(kept)) < 0;
    const auto& place = at<RowOrder>(state, order_at_);
    if (pick_ == Pick::kFirst) return place < at<RowOrder>(kept, order_at_);
    if (pick_ == Pick::kLast) return place > at<RowOrder>(kept, order_at_);
    return better(key_.compare(at<KeptValue>(state, key_at_), at<KeptValue>(kept, key_at_)), place, kept);
  }
  /// Of two rows with the same key the first one counts.
  bool better(std::strong_ordering keys, const RowOrder& place, const std::byte* kept) const {
    if (keys == std::strong_ordering::equal) return place < at<RowOrder>(kept, order_at_);
    return (keys == std::strong_ordering::less) == (pick_ == Pick::kArgMin);
  }

  template <class Body>
  void each_text(const std::byte* state, Body&& body) const {
    if (has_key() && key_.is_text()) body(at<KeptValue>(state, key_at_));
    if (value_.is_text()) body(value(state));
  }
  std::size_t long_bytes(const std::byte* state) const {
    std::size_t bytes = 0;
    each_text(state, [&](const KeptValue& kept) {
      const std::size_t size = ValueKeeper::text(kept).size();
      bytes += size > StringRef::kInlineMax ? size : 0;
    });
    return bytes;
  }

  Pick pick_;
  ValueKeeper value_, key_;
  std::size_t order_at_ = 0, key_at_ = 0, piece_at_ = 0, bytes_ = 0;
};

bool can_be_kept(const Type& type) {
  return type.id != TypeId::kNull && type.physical() != Physical::kNested;
}

AggregateDefinition definition(const char* name, const char* arguments, Pick pick, const char* meaning) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(" + arguments + ")";
  made.meaning = meaning;
  made.arguments_min = made.arguments_max = pick == Pick::kArgMin || pick == Pick::kArgMax ? 2 : 1;
  made.resolve = [name = made.name](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    for (const Type& type : types)
      if (!can_be_kept(type)) return Error(ErrorCode::kSqlType, name + " does not take " + type.to_string());
    Type result = types[0];
    result.nullable = true;
    return result;
  };
  made.make = [pick](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    if (pick == Pick::kAny && call.retracts) return make_counted_fold(call);
    return AggregateFunctionPtr(std::make_shared<PickFunction>(call, pick));
  };
  return made;
}

}  // namespace

void add_ordered(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("FIRST_VALUE", "x", Pick::kFirst, "x of the first row, by event time, then arrival"));
  to.push_back(definition("LAST_VALUE", "x", Pick::kLast, "x of the last row, by event time, then arrival"));
  to.push_back(definition("ANY_VALUE", "x", Pick::kAny, "the least x, so that it is the same in every run"));
  const char* least = "x of the row with the least key; of several the first";
  const char* greatest = "x of the row with the greatest key; of several the first";
  to.push_back(definition("ARG_MIN", "x, key", Pick::kArgMin, least));
  to.push_back(definition("MIN_BY", "x, key", Pick::kArgMin, least));
  to.push_back(definition("ARG_MAX", "x, key", Pick::kArgMax, greatest));
  to.push_back(definition("MAX_BY", "x, key", Pick::kArgMax, greatest));
}

}  // namespace weir
