// ArenaArray: a growing array of plain values in a StateArena, for the lists and heaps that windows keep.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "window/state_arena.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only. Cost of push: amortised one copy.
template <class T>
class ArenaArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit ArenaArray(StateArena& arena) noexcept : arena_(&arena) {}
  ArenaArray(const ArenaArray&) = delete;
  ArenaArray& operator=(const ArenaArray&) = delete;
  ~ArenaArray() { free(); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t at) noexcept { return values_[at]; }
  const T& operator[](std::size_t at) const noexcept { return values_[at]; }
  T* begin() noexcept { return values_; }
  T* end() noexcept { return values_ + size_; }
  /// Returns false at the arena's maximum.
  bool push(const T& value) noexcept {
    if (size_ == capacity_ && !grow()) return false;
    values_[size_++] = value;
    return true;
  }
  void pop() noexcept { --size_; }
  void clear() noexcept { size_ = 0; }
  /// Gives the memory back.
  void free() noexcept {
    if (values_ != nullptr) arena_->give_back(values_, block_);
    values_ = nullptr;
    size_ = capacity_ = block_ = 0;
  }
  std::size_t bytes() const noexcept { return block_; }

  // As a heap whose first value is the least by operator<.
  bool push_heap(const T& value) noexcept {
    if (!push(value)) return false;
    std::push_heap(begin(), end(), after);
    return true;
  }
  T pop_heap() noexcept {
    std::pop_heap(begin(), end(), after);
    return values_[--size_];
  }

 private:
  static bool after(const T& left, const T& right) noexcept { return right < left; }
  bool grow() noexcept {
    const std::size_t bytes = StateArena::block_bytes(std::max(block_ * 2, StateArena::kPage));
    void* memory = arena_->take(bytes);
    if (memory == nullptr) return false;
    const std::size_t size = size_;
    if (size != 0) std::memcpy(memory, values_, size * sizeof(T));
    free();
    values_ = static_cast<T*>(memory);
    size_ = size;
    block_ = bytes;
    capacity_ = bytes / sizeof(T);
    return true;
  }

  StateArena* arena_;
  T* values_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t block_ = 0;
};

}  // namespace weir
