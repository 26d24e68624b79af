// Replay: rows as structs in a buffer of a fixed size, filled by looping a sample with its times moved on, and given
// again and again with the times moved on once more, as LightSaber's own benchmarks do it. Times count whole units
// (seconds in most samples) from 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/columns.h"
#include "weir/io/connector.h"

namespace weir::bench {

/// Text lines of a sample file, decompressed; nothing where the data is not there.
std::optional<std::vector<std::string>> sample_lines(const std::string& file);

class Replay {
 public:
  Replay() = default;
  /// Loops `sample` (rows of `stride` bytes, an int64 time at byte 0, in order) over a buffer of about `bytes` bytes.
  Replay(const std::vector<std::byte>& sample, std::size_t stride, std::size_t bytes);

  std::size_t stride() const noexcept { return stride_; }
  std::size_t rows() const noexcept { return rows_; }
  /// Units that one pass over the buffer lasts; the next pass begins that much later.
  std::int64_t span() const noexcept { return span_; }
  const std::byte* row(std::size_t index) const noexcept { return memory_.data() + index * stride_; }
  std::int64_t unit(std::size_t index) const noexcept;
  /// Index of the first row at that unit or later, 0 … span().
  std::size_t first_row(std::int64_t unit) const noexcept { return first_rows_[static_cast<std::size_t>(unit)]; }
  /// The same of the endless replay.
  std::uint64_t first_row_of_all(std::int64_t unit) const noexcept {
    return static_cast<std::uint64_t>(unit / span_) * rows_ + first_row(unit % span_);
  }

 private:
  Column<std::byte> memory_;
  std::size_t stride_ = 0, rows_ = 0;
  std::int64_t span_ = 0;
  std::vector<std::size_t> first_rows_;
};

/// Gives the first `total` rows of an endless replay as structs. Thread: the shard that owns the input.
class StructFeed {
 public:
  StructFeed(const Replay& replay, std::int64_t unit_ns, std::uint64_t total)
      : replay_(&replay), unit_ns_(unit_ns), total_(total) {}
  /// Names the next rows, up to the end of the buffer, at most `count_max`.
  ReadStatus read(StructRows& rows, std::uint64_t count_max = ~std::uint64_t{0}) noexcept;
  std::uint64_t given() const noexcept { return given_; }
  std::uint64_t total() const noexcept { return total_; }

 private:
  const Replay* replay_;
  std::int64_t unit_ns_;
  std::uint64_t total_;
  std::uint64_t given_ = 0;
};

}  // namespace weir::bench
