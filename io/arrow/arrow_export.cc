// Schemas and batches out through the Arrow C data interface (weir/io/arrow.h).
//
// Every struct that goes out has a Held of its own as private_data, which owns all that the struct points to: names,
// children, and the buffers that are no part of the batch. Releasing a parent releases its children first, unless the
// consumer has moved one away (its `release` is null then), as the interface asks.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/arrow_types.h"
#include "weir/core/check.h"

namespace weir {
namespace {

constexpr std::size_t kStringsMax = 0x7fffffff;  // offsets of 'u' and 'z' are int32
constexpr std::size_t kAlignment = 64;

struct FreeAligned {
  void operator()(std::byte* memory) const noexcept { ::operator delete (memory, std::align_val_t{kAlignment}); }
};
using Buffer = std::unique_ptr<std::byte, FreeAligned>;

Buffer make_buffer(std::size_t bytes) {
  const std::size_t whole = (std::max<std::size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  Buffer buffer(static_cast<std::byte*>(::operator new (whole, std::align_val_t{kAlignment})));
  std::memset(buffer.get(), 0, whole);
  return buffer;
}

// ---- Schemas ----------------------------------------------------------------------------------------------------

struct HeldSchema {
  std::string format, name;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

void release_schema(ArrowSchema* schema) {
  for (std::int64_t i = 0; i < schema->n_children; ++i)
    if (schema->children[i]->release != nullptr) schema->children[i]->release(schema->children[i]);
  delete static_cast<HeldSchema*>(schema->private_data);
  schema->release = nullptr;
}

/// Fills `out` from what `held` says; children are filled already.
void give_schema(std::unique_ptr<HeldSchema> held, std::int64_t flags, ArrowSchema* out) {
  for (ArrowSchema& child : held->children) held->pointers.push_back(&child);
  *out = {};
  out->format = held->format.c_str();
  out->name = held->name.c_str();
  out->flags = flags;
  out->n_children = static_cast<std::int64_t>(held->children.size());
  out->children = held->pointers.data();
  out->release = release_schema;
  out->private_data = held.release();
}

void give_leaf(std::string format, std::string name, bool nullable, ArrowSchema* out) {
  auto held = std::make_unique<HeldSchema>();
  held->format = std::move(format);
  held->name = std::move(name);
  give_schema(std::move(held), nullable ? ARROW_FLAG_NULLABLE : 0, out);
}

// ---- Columns ----------------------------------------------------------------------------------------------------

struct HeldArray {
  std::vector<Buffer> owned;
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
};

void release_array(ArrowArray* array) {
  for (std::int64_t i = 0; i < array->n_children; ++i)
    if (array->children[i]->release != nullptr) array->children[i]->release(array->children[i]);
  delete static_cast<HeldArray*>(array->private_data);
  array->release = nullptr;
}

void give_array(std::unique_ptr<HeldArray> held, std::uint32_t rows, std::int64_t nulls, ArrowArray* out) {
  for (ArrowArray& child : held->children) held->pointers.push_back(&child);
  *out = {};
  out->length = rows;
  out->null_count = nulls;
  out->n_buffers = static_cast<std::int64_t>(held->buffers.size());
  out->buffers = held->buffers.data();
  out->n_children = static_cast<std::int64_t>(held->children.size());
  out->children = held->pointers.data();
  out->release = release_array;
  out->private_data = held.release();
}

/// The rows of a batch that go out.
class Rows {
 public:
  explicit Rows(const Batch& batch) : selection_(batch.selection()), count_(batch.selected_count()) {}
  std::uint32_t count() const noexcept { return count_; }
  bool packed() const noexcept { return selection_ == nullptr; }
  std::uint32_t operator[](std::uint32_t i) const noexcept { return selection_ == nullptr ? i : selection_[i]; }

 private:
  const std::uint32_t* selection_;
  std::uint32_t count_;
};

/// Makes the buffers of one column.
class ColumnExport {
 public:
  ColumnExport(const Vector& vector, const Rows& rows, ArrowMemory memory)
      : vector_(vector), rows_(rows), memory_(memory), held_(std::make_unique<HeldArray>()) {
    add_validity();
  }

  Result<void> add_values(const Type& type) {
    switch (type.id) {
      case TypeId::kBoolean:
        add_bits();
        return {};
      case TypeId::kString:
      case TypeId::kBytes:
        return add_strings();
      case TypeId::kDecimal:
        if (vector_.physical == Physical::kInt64)
          add_wide_decimals();
        else
          add_fixed(sizeof(Int128));
        return {};
      default:
        add_fixed(physical_size(vector_.physical));
        return {};
    }
  }
  void give(ArrowArray* out) && { give_array(std::move(held_), rows_.count(), nulls_, out); }

 private:
  bool borrows() const noexcept { return memory_ == ArrowMemory::kBorrowed && rows_.packed(); }
  std::byte* own(std::size_t bytes) {
    held_->owned.push_back(make_buffer(bytes));
    held_->buffers.push_back(held_->owned.back().get());
    return held_->owned.back().get();
  }

  void add_validity() {
    if (vector_.validity == nullptr) {
      held_->buffers.push_back(nullptr);
      return;
    }
    for (std::uint32_t i = 0; i < rows_.count(); ++i) nulls_ += vector_.is_valid(rows_[i]) ? 0 : 1;
    if (nulls_ == 0) {
      held_->buffers.push_back(nullptr);
    } else if (borrows()) {
      held_->buffers.push_back(vector_.validity);
    } else {
      auto* words = reinterpret_cast<std::uint64_t*>(own(validity_words(rows_.count()) * sizeof(std::uint64_t)));
      for (std::uint32_t i = 0; i < rows_.count(); ++i)
        if (vector_.is_valid(rows_[i])) words[i / 64] |= std::uint64_t{1} << (i % 64);
    }
  }

  void add_fixed(std::size_t width) {
    if (borrows()) {
      held_->buffers.push_back(vector_.data);
      return;
    }
    const auto* from = static_cast<const std::byte*>(vector_.data);
    std::byte* to = own(width * rows_.count());
    if (rows_.packed()) {
      std::memcpy(to, from, width * rows_.count());
      return;
    }
    for (std::uint32_t i = 0; i < rows_.count(); ++i) std::memcpy(to + i * width, from + rows_[i] * width, width);
  }

  void add_wide_decimals() {
    auto* to = reinterpret_cast<Int128*>(own(sizeof(Int128) * rows_.count()));
    for (std::uint32_t i = 0; i < rows_.count(); ++i) to[i] = vector_.values<std::int64_t>()[rows_[i]];
  }

  void add_bits() {
    auto* words = reinterpret_cast<std::uint64_t*>(own(validity_words(rows_.count()) * sizeof(std::uint64_t)));
    for (std::uint32_t i = 0; i < rows_.count(); ++i)
      if (vector_.values<std::int8_t>()[rows_[i]] != 0) words[i / 64] |= std::uint64_t{1} << (i % 64);
  }

  Result<void> add_strings() {
    auto* offsets = reinterpret_cast<std::int32_t*>(own(sizeof(std::int32_t) * (std::size_t{rows_.count()} + 1)));
    std::size_t total = 0;
    for (std::uint32_t i = 0; i < rows_.count(); ++i) {
      if (vector_.is_valid(rows_[i])) total += vector_.values<StringRef>()[rows_[i]].size;
      if (total > kStringsMax)
        return Error(ErrorCode::kLimitExceeded, "the strings of a column come to 2 GiB or more in one batch")
            .with_hint("run the job with smaller batches");
      offsets[i + 1] = static_cast<std::int32_t>(total);
    }
    std::byte* to = own(total);
    for (std::uint32_t i = 0; i < rows_.count(); ++i) {
      if (!vector_.is_valid(rows_[i])) continue;
      const std::string_view text = vector_.values<StringRef>()[rows_[i]].view();
      std::memcpy(to + offsets[i], text.data(), text.size());
    }
    return {};
  }

  const Vector& vector_;
  const Rows& rows_;
  ArrowMemory memory_;
  std::int64_t nulls_ = 0;
  std::unique_ptr<HeldArray> held_;
};

void export_kinds(const Batch& batch, const Rows& rows, ArrowArray* out) {
  auto held = std::make_unique<HeldArray>();
  held->owned.push_back(make_buffer(rows.count()));
  held->buffers = {nullptr, held->owned.back().get()};
  for (std::uint32_t i = 0; i < rows.count(); ++i)
    held->owned.back().get()[i] = static_cast<std::byte>(batch.kinds() == nullptr ? RowKind{} : batch.kinds()[rows[i]]);
  give_array(std::move(held), rows.count(), 0, out);
}

/// Gives back the children that were made before one failed.
Error give_back(std::vector<ArrowArray>& children, Error error) {
  for (ArrowArray& child : children)
    if (child.release != nullptr) child.release(&child);
  return error;
}

}  // namespace

Result<void> export_schema(const Schema& schema, bool with_kinds, ArrowSchema* out) {
  std::vector<std::string> formats;
  for (const Field& field : schema.fields) {
    auto format = arrow_format_of(field.type);
    if (!format) return std::move(format.error()).with_context("column " + field.name);
    formats.push_back(std::move(*format));
  }
  auto held = std::make_unique<HeldSchema>();
  held->format = "+s";
  held->children.resize(schema.size() + (with_kinds ? 1 : 0));
  std::size_t next = 0;
  if (with_kinds) give_leaf("c", "row_kind", false, &held->children[next++]);
  for (std::size_t i = 0; i < schema.size(); ++i)
    give_leaf(std::move(formats[i]), schema.fields[i].name, schema.fields[i].type.nullable, &held->children[next++]);
  give_schema(std::move(held), 0, out);
  return {};
}

Result<void> export_batch(const Batch& batch, const Schema& schema, bool with_kinds, ArrowMemory memory,
                          ArrowArray* out) {
  WEIR_CHECK_EQ(std::size_t{batch.column_count()}, schema.size());
  const Rows rows(batch);
  auto held = std::make_unique<HeldArray>();
  held->buffers = {nullptr};
  held->children.resize(schema.size() + (with_kinds ? 1 : 0));
  std::size_t next = 0;
  if (with_kinds) export_kinds(batch, rows, &held->children[next++]);
  for (std::uint32_t i = 0; i < schema.size(); ++i) {
    const Field& field = schema.fields[i];
    if (auto format = arrow_format_of(field.type); !format)
      return give_back(held->children, std::move(format.error()).with_context("column " + field.name));
    ColumnExport column(batch.column(i), rows, memory);
    if (auto done = column.add_values(field.type); !done)
      return give_back(held->children, std::move(done.error()).with_context("column " + field.name));
    std::move(column).give(&held->children[next++]);
  }
  give_array(std::move(held), rows.count(), 0, out);
  return {};
}

}  // namespace weir
