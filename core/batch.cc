// How a batch lies in memory, from its front, every part on its own 64-byte lines:
//
//   | Batch | Vector[n] as seen | Vector[n] as laid out | data 0 | … | data n-1 | validity 0 | … | kinds | string heap
//   |
#include "weir/core/batch.h"

#include <cstring>
#include <new>

namespace weir {
namespace {

constexpr std::size_t lines(std::size_t bytes) noexcept {
  return (bytes + kVectorAlignment - 1) & ~(kVectorAlignment - 1);
}

constexpr std::size_t data_bytes(Physical physical, std::uint32_t capacity) noexcept {
  return lines(physical_size(physical) * capacity);
}

constexpr std::size_t validity_bytes(std::uint32_t capacity) noexcept {
  return lines(validity_words(capacity) * sizeof(std::uint64_t));
}

/// Hands out pieces of a batch's memory, front to back.
class Cutter {
 public:
  explicit Cutter(void* memory) noexcept : at_(static_cast<char*>(memory)) {}
  void* cut(std::size_t bytes) noexcept {
    void* piece = at_;
    at_ += lines(bytes);
    return piece;
  }

 private:
  char* at_;
};

Vector* cut_vectors(Cutter& cutter, std::size_t count) noexcept {
  auto* vectors = static_cast<Vector*>(cutter.cut(count * sizeof(Vector)));
  for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(vectors + i)) Vector();
  return vectors;
}

}  // namespace

std::size_t BatchLayout::bytes() const noexcept {
  std::size_t total = lines(sizeof(Batch)) + 2 * lines(columns.size() * sizeof(Vector));
  for (const Physical physical : columns) total += data_bytes(physical, capacity);
  if (nullable) total += columns.size() * validity_bytes(capacity);
  if (kinds) total += lines(capacity * sizeof(RowKind));
  return total + lines(heap_bytes);
}

Batch* Batch::create(const BatchLayout& layout, void* memory) noexcept {
  WEIR_CHECK(layout.capacity >= 1 && layout.capacity <= kBatchRowsMax);
  WEIR_CHECK(memory != nullptr);
  WEIR_CHECK_EQ(reinterpret_cast<std::uintptr_t>(memory) % kVectorAlignment, std::uintptr_t{0});
  Cutter cutter(memory);
  auto* batch = ::new (cutter.cut(sizeof(Batch))) Batch();
  batch->capacity_ = layout.capacity;
  batch->column_count_ = static_cast<std::uint32_t>(layout.columns.size());
  batch->columns_ = cut_vectors(cutter, layout.columns.size());
  Vector* own = cut_vectors(cutter, layout.columns.size());
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const std::size_t bytes = data_bytes(layout.columns[i], layout.capacity);
    own[i].physical = layout.columns[i];
    own[i].data = cutter.cut(bytes);
    std::memset(own[i].data, 0, bytes);  // readable from the first row on, and the pages are there
  }
  if (layout.nullable) {
    for (std::size_t i = 0; i < layout.columns.size(); ++i)
      own[i].validity = static_cast<std::uint64_t*>(cutter.cut(validity_bytes(layout.capacity)));
  }
  batch->own_ = own;
  if (layout.kinds) batch->own_kinds_ = static_cast<RowKind*>(cutter.cut(layout.capacity * sizeof(RowKind)));
  batch->kinds_ = batch->own_kinds_;
  if (layout.heap_bytes != 0)
    batch->heap_ = StringHeap(static_cast<char*>(cutter.cut(layout.heap_bytes)), layout.heap_bytes);
  batch->reset();
  return batch;
}

void Batch::reset() noexcept {
  reset_rows();
  for (std::uint32_t i = 0; i < column_count_; ++i) {
    columns_[i] = own_[i];
    if (own_[i].validity != nullptr)
      std::memset(own_[i].validity, 0xff, validity_words(capacity_) * sizeof(std::uint64_t));
  }
  kinds_ = own_kinds_;
  if (kinds_ != nullptr) std::memset(static_cast<void*>(kinds_), static_cast<int>(RowKind::kInsert), capacity_);
}

}  // namespace weir
