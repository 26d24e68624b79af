// BatchMemory: a batch of an operator's own, for output that it builds up.
#pragma once

#include <memory>
#include <new>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/type.h"

namespace weir {

/// Allocates: in the constructor only.
class BatchMemory {
 public:
  BatchMemory(const Schema& schema, std::uint32_t capacity, std::size_t heap_bytes = 0, bool kinds = false) {
    std::vector<Physical> columns;
    for (const Field& field : schema.fields) columns.push_back(field.type.physical());
    const BatchLayout layout{columns, capacity, heap_bytes, true, kinds};
    bytes_ = layout.bytes();
    memory_.reset(static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{kVectorAlignment})));
    batch_ = Batch::create(layout, memory_.get());
  }
  Batch& operator*() noexcept { return *batch_; }
  Batch* operator->() noexcept { return batch_; }
  const Batch* operator->() const noexcept { return batch_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete (memory, std::align_val_t{kVectorAlignment});
    }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  std::size_t bytes_ = 0;
  Batch* batch_ = nullptr;
};

}  // namespace weir
