// Columns: rows in memory for the workloads, made once, in huge pages where the system gives them. Values are whole
// numbers in doubles, so that their sums are exact and an answer is either right or wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weir::bench {

/// Memory for `count` values of T, 2 MiB aligned, every page present.
void* take_pages(std::size_t bytes);
void give_pages(void* memory, std::size_t bytes) noexcept;

template <typename T>
class Column {
 public:
  Column() = default;
  explicit Column(std::size_t count) : data_(static_cast<T*>(take_pages(count * sizeof(T)))), count_(count) {}
  Column(Column&& other) noexcept : data_(other.data_), count_(other.count_) {
    other.data_ = nullptr;
    other.count_ = 0;
  }
  Column& operator=(Column&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Column() { give_pages(data_, count_ * sizeof(T)); }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// A generator that gives the same numbers everywhere (xorshift64*).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  std::uint64_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Dull;
  }
  std::uint64_t below(std::uint64_t bound) noexcept { return (next() >> 32) * bound >> 32; }

 private:
  std::uint64_t state_;
};

}  // namespace weir::bench
