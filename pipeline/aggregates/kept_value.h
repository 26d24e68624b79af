// KeptValue: a value of any type that a state keeps, in 16 bytes; long texts stand in the StateHeap and belong to the
// state. What FIRST_VALUE, ARG_MIN and the like are made of.
#pragma once

#include <compare>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "weir/core/batch.h"
#include "weir/core/string_ref.h"
#include "weir/pipeline/state_heap.h"
#include "window/accumulate.h"

namespace weir {

struct KeptValue {
  alignas(8) std::byte bytes[16];
};

/// The operations, for values of one physical type. Thread: any.
class ValueKeeper {
 public:
  explicit ValueKeeper(Physical physical) : physical_(physical), size_(physical_size(physical)) {}

  bool is_text() const noexcept { return physical_ == Physical::kString; }

  /// Takes the place of what is kept (nothing, where it is zeros). False, with the old value kept: the heap is full.
  bool keep(KeptValue& kept, const Vector& from, std::uint32_t row, StateHeap& heap) const noexcept {
    if (is_text()) return keep_text(kept, from.values<StringRef>()[row].view(), heap);
    std::memcpy(kept.bytes, static_cast<const std::byte*>(from.data) + row * size_, size_);
    return true;
  }
  bool keep(KeptValue& kept, const KeptValue& other, StateHeap& heap) const noexcept {
    if (is_text()) return keep_text(kept, text(other), heap);
    kept = other;
    return true;
  }
  bool keep_text(KeptValue& kept, std::string_view value, StateHeap& heap) const noexcept {
    char* copy = nullptr;
    if (value.size() > StringRef::kInlineMax) {
      copy = static_cast<char*>(heap.take(value.size()));
      if (copy == nullptr) return false;
      std::memcpy(copy, value.data(), value.size());
    }
    release(kept, heap);
    const StringRef made(copy == nullptr ? value : std::string_view(copy, value.size()));
    std::memcpy(kept.bytes, &made, sizeof made);
    return true;
  }
  void release(KeptValue& kept, StateHeap& heap) const noexcept {
    if (!is_text()) return;
    const StringRef text = text_ref(kept);
    if (!text.is_inline()) heap.give_back(const_cast<char*>(text.data), text.size);
    kept = KeptValue{};
  }

  void write(const KeptValue& kept, Vector& to, std::uint32_t row) const noexcept {
    std::memcpy(static_cast<std::byte*>(to.data) + row * size_, kept.bytes, size_);
  }

  /// The order of MIN and MAX: numbers by size, -0 before 0, NaN the greatest and all one; texts by bytes.
  std::strong_ordering compare(const Vector& left, std::uint32_t row, const KeptValue& right) const noexcept {
    return compare(static_cast<const std::byte*>(left.data) + row * size_, right.bytes);
  }
  std::strong_ordering compare(const KeptValue& left, const KeptValue& right) const noexcept {
    return compare(left.bytes, right.bytes);
  }

  /// Of a kept text; inline bytes stand in `kept`.
  static std::string_view text(const KeptValue& kept) noexcept {
    return reinterpret_cast<const StringRef*>(kept.bytes)->view();
  }

 private:
  static StringRef text_ref(const KeptValue& kept) noexcept {
    StringRef ref;
    std::memcpy(static_cast<void*>(&ref), kept.bytes, sizeof ref);
    return ref;
  }
  template <class T>
  static T load(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  std::strong_ordering compare(const std::byte* left, const std::byte* right) const noexcept {
    switch (physical_) {
      case Physical::kInt8:
        return load<std::int8_t>(left) <=> load<std::int8_t>(right);
      case Physical::kInt16:
        return load<std::int16_t>(left) <=> load<std::int16_t>(right);
      case Physical::kInt32:
        return load<std::int32_t>(left) <=> load<std::int32_t>(right);
      case Physical::kInt64:
        return load<std::int64_t>(left) <=> load<std::int64_t>(right);
      case Physical::kInt128: {
        const auto a = load<Int128>(left), b = load<Int128>(right);
        return a < b ? std::strong_ordering::less : a > b ? std::strong_ordering::greater : std::strong_ordering::equal;
      }
      case Physical::kFloat:
        return ordered_from_float(load<float>(left)) <=> ordered_from_float(load<float>(right));
      case Physical::kDouble:
        return ordered_from_double(load<double>(left)) <=> ordered_from_double(load<double>(right));
      default:
        return reinterpret_cast<const StringRef*>(left)->view() <=> reinterpret_cast<const StringRef*>(right)->view();
    }
  }

  Physical physical_;
  std::size_t size_;
};

}  // namespace weir
