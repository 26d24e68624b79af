// ChunkQueue: a queue in chunks of a fixed size that are linked and used again, so that no push ever moves what is
// there: the worst push takes one chunk. Cursors stay valid while what they point at is in the queue.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace weir::sliding {

/// Requires: T is copied without a throw. Thread: one.
template <class T, std::size_t kChunkBytes = 32768>
class ChunkQueue {
  struct Chunk;

 public:
  static constexpr std::size_t kPerChunk = sizeof(T) * 16 > kChunkBytes ? 16 : kChunkBytes / sizeof(T);

  /// A place in the queue; its end is a place too.
  class Cursor {
   public:
    T& operator*() const noexcept { return *at_; }
    bool operator==(const Cursor& other) const noexcept { return at_ == other.at_; }
    void next() noexcept {
      if (++at_ == last_) [[unlikely]]
        *this = Cursor(chunk_->next, 0);
    }
    void previous() noexcept {
      if (at_ == last_ - kPerChunk) [[unlikely]] {
        *this = Cursor(chunk_->previous, kPerChunk - 1);
      } else {
        --at_;
      }
    }
    bool begins_chunk() const noexcept { return at_ == last_ - kPerChunk; }
    /// Where the chunk's last value ends in memory.
    T* chunk_end() const noexcept { return last_; }
    /// Goes on to the next chunk's first place. Requires: there is one.
    void next_chunk() noexcept { *this = Cursor(chunk_->next, 0); }

   private:
    friend class ChunkQueue;
    Cursor(Chunk* chunk, std::size_t index) noexcept
        : at_(chunk->items() + index), last_(chunk->items() + kPerChunk), chunk_(chunk) {}
    T* at_;
    T* last_;
    Chunk* chunk_;
  };

  ChunkQueue() : head_(make_chunk(nullptr), 0), tail_(head_) {}
  ChunkQueue(const ChunkQueue&) = delete;
  ChunkQueue& operator=(const ChunkQueue&) = delete;
  ~ChunkQueue() {
    while (size_ != 0) pop_front();
    for (Chunk* chunk = head_.chunk_; chunk != nullptr;) ::operator delete(std::exchange(chunk, chunk->next), kAlign);
    while (spare_ != nullptr) ::operator delete(std::exchange(spare_, spare_->next), kAlign);
  }

  /// Takes the memory for so many values now, so that pushes up to that size take none.
  void reserve(std::size_t values) {
    for (std::size_t chunks = values / kPerChunk + 1; reserved_ < chunks; ++reserved_) keep(make_chunk(nullptr));
  }

  void push_back(T value) {
    ::new (static_cast<void*>(tail_.at_)) T(std::move(value));
    ++size_;
    if (tail_.at_ + 1 == tail_.last_) [[unlikely]]
      append_chunk();
    tail_.next();
  }
  /// Requires: not empty.
  void pop_front() noexcept {
    head_.at_->~T();
    --size_;
    if (++head_.at_ == head_.last_) [[unlikely]] {
      Chunk* old = head_.chunk_;
      head_ = Cursor(old->next, 0);
      head_.chunk_->previous = nullptr;
      keep(old);
    }
  }
  T& front() noexcept { return *head_.at_; }
  Cursor begin() const noexcept { return head_; }
  Cursor end() const noexcept { return tail_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr std::align_val_t kAlign{64};
  struct alignas(64) Chunk {
    Chunk* next;
    Chunk* previous;
    T* items() noexcept { return reinterpret_cast<T*>(this + 1); }
  };
  static_assert(alignof(T) <= 64);

  static Chunk* make_chunk(Chunk* previous) {
    return ::new (::operator new(sizeof(Chunk) + kPerChunk * sizeof(T), kAlign)) Chunk{nullptr, previous};
  }
  void append_chunk() {
    Chunk* last = tail_.chunk_;
    Chunk* chunk = spare_;
    if (chunk != nullptr)
      spare_ = chunk->next;
    else
      chunk = make_chunk(nullptr);
    chunk->next = nullptr;
    chunk->previous = last;
    last->next = chunk;
  }
  void keep(Chunk* chunk) noexcept {
    chunk->next = spare_;
    spare_ = chunk;
  }

  Chunk* spare_ = nullptr;
  std::size_t reserved_ = 0;
  std::size_t size_ = 0;
  Cursor head_;
  Cursor tail_;
};

}  // namespace weir::sliding
