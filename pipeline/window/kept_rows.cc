// Rows as pieces of a heap. See kept_rows.h.
#include "window/kept_rows.h"

#include <cstring>

#include "weir/core/string_ref.h"

namespace weir {
namespace {

const StringRef& text_at(const Vector& vector, std::uint32_t row) noexcept {
  return vector.values<StringRef>()[row];
}

template <class T>
T take(const std::byte*& from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  from += sizeof value;
  return value;
}
template <class T>
void put(std::byte*& to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
  to += sizeof value;
}

}  // namespace

std::byte* KeptRows::keep(const Batch& batch, std::uint32_t row, StateHeap& heap) const noexcept {
  std::size_t bytes = sizeof(std::uint32_t);
  for (const std::uint32_t column : columns_) {
    const Vector& vector = batch.column(column);
    ++bytes;
    if (!vector.is_valid(row)) continue;
    bytes += vector.physical == Physical::kString ? sizeof(std::uint32_t) + text_at(vector, row).size
                                                  : physical_size(vector.physical);
  }
  if (bytes > 0xFFFFFFFFu) return nullptr;
  auto* const piece = static_cast<std::byte*>(heap.take(bytes));
  if (piece == nullptr) return nullptr;
  std::byte* to = piece;
  put(to, static_cast<std::uint32_t>(bytes));
  for (const std::uint32_t column : columns_) {
    const Vector& vector = batch.column(column);
    put(to, static_cast<std::uint8_t>(vector.is_valid(row)));
    if (!vector.is_valid(row)) continue;
    if (vector.physical == Physical::kString) {
      const std::string_view text = text_at(vector, row).view();
      put(to, static_cast<std::uint32_t>(text.size()));
      if (!text.empty()) std::memcpy(to, text.data(), text.size());
      to += text.size();
      continue;
    }
    const std::size_t size = physical_size(vector.physical);
    std::memcpy(to, static_cast<const std::byte*>(vector.data) + row * size, size);
    to += size;
  }
  return piece;
}

bool KeptRows::write(const std::byte* piece, Batch& to, std::uint32_t row) const noexcept {
  const std::byte* from = piece + sizeof(std::uint32_t);
  for (std::uint32_t i = 0; i < columns_.size(); ++i) {
    Vector& vector = to.column(i);
    const bool valid = take<std::uint8_t>(from) != 0;
    if (vector.validity != nullptr) vector.set_valid(row, valid);
    if (vector.physical == Physical::kString) {
      auto& text = vector.values<StringRef>()[row];
      text = StringRef();
      if (!valid) continue;
      const auto size = take<std::uint32_t>(from);
      const std::string_view view(reinterpret_cast<const char*>(from), size);
      from += size;
      if (view.size() <= StringRef::kInlineMax)
        text = StringRef(view);
      else if (!to.heap().store(view, text))
        return false;
      continue;
    }
    const std::size_t size = physical_size(vector.physical);
    auto* value = static_cast<std::byte*>(vector.data) + row * size;
    if (valid) {
      std::memcpy(value, from, size);
      from += size;
    } else {
      std::memset(value, 0, size);
    }
  }
  return true;
}

void KeptRows::drop(std::byte* piece, StateHeap& heap) noexcept {
  std::uint32_t bytes;
  std::memcpy(&bytes, piece, sizeof bytes);
  heap.give_back(piece, bytes);
}

}  // namespace weir
