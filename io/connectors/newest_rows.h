// NewestRows: the newest encoded row of each key, in the order in which they came, for subscribers that have fallen
// behind: they get what a key is now, not what it was in between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/core/batch.h"

namespace weir {

/// Thread: the owning shard. Allocates: when a key comes for the first time, and where a row is longer than before.
class NewestRows {
 public:
  NewestRows(std::vector<std::uint32_t> key_columns, std::uint32_t keys_max)
      : columns_(std::move(key_columns)), keys_max_(keys_max) {}

  /// Row `number` of the sink is row `row` of the batch, encoded as `bytes`. Numbers rise. False where there are
  /// keys_max keys already.
  bool put(const Batch& batch, std::uint32_t row, std::uint64_t number, std::string_view bytes);
  /// The first row from `number` on that is the newest of its key; null where there is none. Sets *number to its own.
  const std::string* next(std::uint64_t* number) const noexcept;
  std::size_t keys() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string bytes;
    std::uint64_t number = 0;
  };
  struct Step {
    std::uint64_t number = 0;
    std::uint32_t entry = 0;
  };
  void read_key(const Batch& batch, std::uint32_t row);

  std::vector<std::uint32_t> columns_;
  std::uint32_t keys_max_;
  std::string key_;
  std::unordered_map<std::string, std::uint32_t> index_;
  std::vector<Entry> entries_;
  std::vector<Step> steps_;  // by number; those whose entry has a newer number are void
};

}  // namespace weir
