// IdleBoard: how a shard whose inputs were all idle comes back without a row of it being late.
//
// While a sender is idle, the receivers of a keyed exchange let their watermark pass it. Before its first row goes on,
// each receiver must have stopped doing so, and the sender must know how far they had come:
//
//   sender     kActive to every receiver ··· waits, its row in hand ······· returned() ─► its watermark is at least
//   that receiver   takes kActive in its place, counts the sender again, and posts its watermark here: acknowledge()
//
// Each cell is written by one receiver and read by one sender. Posts are counted, so that an old one is not taken for
// the new one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

#include "weir/core/batch.h"

namespace weir {

class IdleBoard {
 public:
  IdleBoard(std::size_t senders, std::size_t receivers)
      : receivers_(receivers), cells_(std::make_unique<Cell[]>(senders * receivers)) {}

  /// Receiver: `sender` is counted again, and the watermark passed on so far is `merged`.
  void acknowledge(std::size_t sender, std::size_t receiver, Watermark merged) noexcept {
    Cell& cell = cells_[sender * receivers_ + receiver];
    cell.merged.store(merged, std::memory_order_relaxed);
    cell.posts.store(cell.posts.load(std::memory_order_relaxed) + 1, std::memory_order_release);  // pairs with returned
  }

  /// Sender: the greatest watermark of the receivers once all have posted for the `returns`th time; else nothing.
  std::optional<Watermark> returned(std::size_t sender, std::uint64_t returns) const noexcept {
    Watermark greatest = kWatermarkNone;
    for (std::size_t receiver = 0; receiver < receivers_; ++receiver) {
      const Cell& cell = cells_[sender * receivers_ + receiver];
      if (cell.posts.load(std::memory_order_acquire) != returns) return std::nullopt;
      greatest = std::max(greatest, cell.merged.load(std::memory_order_relaxed));
    }
    return greatest;
  }

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> posts{0};
    std::atomic<Watermark> merged{kWatermarkNone};
  };
  std::size_t receivers_;
  std::unique_ptr<Cell[]> cells_;
};

}  // namespace weir
