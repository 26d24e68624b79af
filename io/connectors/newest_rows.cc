// See newest_rows.h.
#include "connectors/newest_rows.h"

#include <algorithm>

namespace weir {

/// The values' bytes, each with its length or a mark of NULL in front, so that no two keys have the same.
void NewestRows::read_key(const Batch& batch, std::uint32_t row) {
  key_.clear();
  for (const std::uint32_t index : columns_) {
    const Vector& column = batch.column(index);
    if (!column.is_valid(row)) {
      key_ += '\0';
      continue;
    }
    key_ += '\1';
    if (column.physical == Physical::kString) {
      const std::string_view text = column.values<StringRef>()[row].view();
      const auto size = static_cast<std::uint32_t>(text.size());
      key_.append(reinterpret_cast<const char*>(&size), sizeof size);
      key_ += text;
    } else {
      const std::size_t width = physical_size(column.physical);
      key_.append(static_cast<const char*>(column.data) + row * width, width);
    }
  }
}

bool NewestRows::put(const Batch& batch, std::uint32_t row, std::uint64_t number, std::string_view bytes) {
  read_key(batch, row);
  const auto found = index_.find(key_);
  std::uint32_t entry = 0;
  if (found != index_.end()) {
    entry = found->second;
  } else {
    if (entries_.size() == keys_max_) return false;
    entry = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
    index_.emplace(key_, entry);
  }
  entries_[entry].bytes.assign(bytes);
  entries_[entry].number = number;
  if (steps_.size() >= 2 * entries_.size() + 64)
    std::erase_if(steps_, [this](const Step& step) { return entries_[step.entry].number != step.number; });
  steps_.push_back({number, entry});
  return true;
}

const std::string* NewestRows::next(std::uint64_t* number) const noexcept {
  auto at = std::lower_bound(steps_.begin(), steps_.end(), *number,
                             [](const Step& step, std::uint64_t wanted) { return step.number < wanted; });
  while (at != steps_.end() && entries_[at->entry].number != at->number) ++at;
  if (at == steps_.end()) return nullptr;
  *number = at->number;
  return &entries_[at->entry].bytes;
}

}  // namespace weir
