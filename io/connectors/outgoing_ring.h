// OutgoingRing: encoded records of a sink, kept once however many subscribers read them, each at its own place.
//
//   rows ─► open chunk ─► chunk ─► … ─► oldest chunk ─► overwritten
//                 ▲            ▲
//            subscriber A   subscriber B: a chunk's number and an offset in it
//
// Invariants
//   1. A chunk holds whole records; what is read of it up to bytes() ends with a record.
//   2. Rows are numbered from 0 through the sink's life; a chunk's rows follow one another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir {

/// Thread: the owning shard. Allocates: in the constructor only.
class OutgoingRing {
 public:
  struct Chunk {
    std::uint64_t first_row = 0;
    std::uint64_t rows = 0;
    std::uint32_t bytes = 0;
  };

  /// Requires: chunks >= 2.
  OutgoingRing(std::size_t chunk_bytes, std::size_t chunks)
      : chunk_bytes_(chunk_bytes), memory_(new char[chunk_bytes * chunks]), chunks_(chunks) {}

  std::size_t chunk_bytes() const noexcept { return chunk_bytes_; }
  std::uint64_t open_chunk() const noexcept { return open_; }
  /// The first chunk that is still there.
  std::uint64_t oldest_chunk() const noexcept { return open_ < chunks_.size() ? 0 : open_ - chunks_.size() + 1; }
  /// The chunk that goes when the next one is opened, or none yet.
  bool next_overwrites(std::uint64_t chunk) const noexcept {
    return open_ + 1 >= chunks_.size() && chunk <= open_ + 1 - chunks_.size();
  }
  const Chunk& chunk(std::uint64_t number) const noexcept { return chunks_[number % chunks_.size()]; }
  const char* data(std::uint64_t number) const noexcept {
    return memory_.get() + number % chunks_.size() * chunk_bytes_;
  }
  std::uint64_t rows() const noexcept { return rows_; }

  std::span<char> room() noexcept {
    const Chunk& open = chunks_[open_ % chunks_.size()];
    return {memory_.get() + open_ % chunks_.size() * chunk_bytes_ + open.bytes, chunk_bytes_ - open.bytes};
  }
  void append(std::size_t bytes, std::uint64_t rows) noexcept {
    Chunk& open = chunks_[open_ % chunks_.size()];
    open.bytes += static_cast<std::uint32_t>(bytes);
    open.rows += rows;
    rows_ += rows;
  }
  void open_next() noexcept {
    ++open_;
    chunks_[open_ % chunks_.size()] = Chunk{rows_, 0, 0};
  }

 private:
  std::size_t chunk_bytes_;
  std::unique_ptr<char[]> memory_;
  std::vector<Chunk> chunks_;
  std::uint64_t open_ = 0;
  std::uint64_t rows_ = 0;
};

}  // namespace weir
