// StringStore: the bytes of long strings that a slice keeps (keys, least and greatest strings). Given out front to back
// from blocks of the StateArena, taken back all at once with the slice.
#pragma once

#include <cstddef>
#include <cstring>

#include "weir/core/string_ref.h"
#include "window/state_arena.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only.
class StringStore {
 public:
  /// Copies a long string; an inline one is given back as it is. Returns false at the arena's maximum.
  bool store(const StringRef& text, StateArena& arena, StringRef& out) noexcept {
    if (text.is_inline()) {
      out = text;
      return true;
    }
    char* at = take(room_of(text.size), arena);
    if (at == nullptr) return false;
    std::memcpy(at, text.data, text.size);
    out = text;
    out.data = at;
    return true;
  }
  /// Puts `text` where `kept` stands, in its place where it fits. Returns false at the arena's maximum.
  bool replace(const StringRef& text, StateArena& arena, StringRef& kept) noexcept {
    if (text.is_inline() || kept.size == kUnset || kept.is_inline() || room_of(kept.size) < text.size)
      return store(text, arena, kept);
    char* at = const_cast<char*>(kept.data);
    std::memmove(at, text.data, text.size);
    kept = text;
    kept.data = at;
    return true;
  }
  void free(StateArena& arena) noexcept {
    while (head_ != nullptr) {
      Block* next = head_->next;
      arena.give_back(head_, head_->bytes);
      head_ = next;
    }
    used_ = 0;
    bytes_ = 0;
  }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Size of a StringRef that no value has been put in yet.
  static constexpr std::uint32_t kUnset = 0xFFFFFFFFu;

 private:
  struct Block {
    Block* next;
    std::size_t bytes;
  };
  static std::size_t room_of(std::size_t size) noexcept { return (size + 15) & ~std::size_t{15}; }

  char* take(std::size_t bytes, StateArena& arena) noexcept {
    if (head_ == nullptr || head_->bytes - used_ < bytes) {
      const std::size_t grown = head_ == nullptr ? StateArena::kPage : head_->bytes * 2;
      const std::size_t wanted = grown > kBlockMax ? kBlockMax : grown;
      const std::size_t need = bytes + sizeof(Block) > wanted ? bytes + sizeof(Block) : wanted;
      void* memory = arena.take(need);
      if (memory == nullptr) return nullptr;
      head_ = ::new (memory) Block{head_, StateArena::block_bytes(need)};
      used_ = sizeof(Block);
      bytes_ += head_->bytes;
    }
    char* at = reinterpret_cast<char*>(head_) + used_;
    used_ += bytes;
    return at;
  }

  static constexpr std::size_t kBlockMax = std::size_t{1} << 20;
  Block* head_ = nullptr;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace weir
