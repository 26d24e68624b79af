// Pieces of the StateHeap that the states of aggregates own, and the error where there are none left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

/// What every aggregate says where its heap is at its maximum.
inline Error state_heap_full() {
  return Error(ErrorCode::kLimitExceeded, "aggregate state has reached state_bytes_max");
}
/// Result of a step that returns false where the heap is at its maximum.
inline Result<void> heap_result(bool done) {
  if (!done) [[unlikely]]
    return state_heap_full();
  return {};
}

/// A piece that a state owns: all zeros when there is none. May be moved with memcpy.
struct StatePiece {
  std::byte* data;
  std::size_t bytes;

  /// Makes it at least that large; what was in it is lost unless `keep` bytes of it are named.
  /// Returns false where the heap is at its maximum; then it is what it was.
  bool reserve(std::size_t wanted, StateHeap& heap, std::size_t keep = 0) noexcept {
    if (bytes >= wanted) return true;
    auto* taken = static_cast<std::byte*>(heap.take(wanted));
    if (taken == nullptr) return false;
    if (keep != 0) std::memcpy(taken, data, keep);
    heap.give_back(data, bytes);
    data = taken;
    bytes = wanted;
    return true;
  }
  void release(StateHeap& heap) noexcept {
    heap.give_back(data, bytes);
    data = nullptr;
    bytes = 0;
  }
};

/// Appends bytes to a piece that doubles.
class PieceWriter {
 public:
  PieceWriter(StatePiece& piece, StateHeap& heap) noexcept : piece_(piece), heap_(heap) {}
  /// Room for `count` more bytes, to be taken by advance(); null where the heap is at its maximum.
  char* room(std::size_t count) noexcept {
    if (used_ + count > piece_.bytes) {
      const std::size_t doubled = 2 * piece_.bytes;
      if (!piece_.reserve(used_ + count > doubled ? used_ + count : doubled, heap_, used_)) return nullptr;
    }
    return reinterpret_cast<char*>(piece_.data) + used_;
  }
  void advance(std::size_t count) noexcept { used_ += count; }
  bool append(std::string_view text) noexcept {
    char* at = room(text.size());
    if (at == nullptr) return false;
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    used_ += text.size();
    return true;
  }
  template <class T>
  bool append_bits(const T& value) noexcept {
    return append({reinterpret_cast<const char*>(&value), sizeof value});
  }
  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(piece_.data), used_}; }

 private:
  StatePiece& piece_;
  StateHeap& heap_;
  std::size_t used_ = 0;
};

/// Reads what PieceWriter wrote. Requires: bytes of this program's own making.
class PieceReader {
 public:
  explicit PieceReader(std::string_view bytes) noexcept : at_(bytes.data()), end_(at_ + bytes.size()) {}
  bool done() const noexcept { return at_ == end_; }
  template <class T>
  T take() noexcept {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string_view take_text(std::size_t size) noexcept {
    const std::string_view text(at_, size);
    at_ += size;
    return text;
  }

 private:
  const char* at_;
  const char* end_;
};

}  // namespace weir
