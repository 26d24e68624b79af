// State rows that come and go. See state_pool.h.
#include "window/state_pool.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace weir {
namespace {

constexpr std::size_t kStringsSlack = std::size_t{1} << 20;

}  // namespace

StatePool::StatePool(const Setup& setup) noexcept
    : setup_(setup), free_(*setup.arena), in_use_(*setup.arena), heap_(*setup.arena) {
  WEIR_CHECK(setup.header_bytes % 8 == 0 && setup.header_bytes != 0 && setup.aggregates->keyed());
  stride_ = setup.header_bytes + setup.aggregates->state_bytes();
  stride_ = (stride_ + 7) / 8 * 8;
}

Error StatePool::full() const {
  return Error(ErrorCode::kLimitExceeded, "aggregate state does not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, use more shards or shorter windows");
}

Result<void> StatePool::grow() {
  const std::size_t bytes = std::max(std::size_t{capacity_} * 2 * stride_, StateArena::kPage);
  void* block = setup_.arena->take(bytes);
  if (block == nullptr) return full();
  if (rows_ != nullptr) {
    std::memcpy(block, rows_, used_ * stride_);
    setup_.arena->give_back(rows_, block_);
  }
  rows_ = static_cast<std::byte*>(block);
  block_ = StateArena::block_bytes(bytes);
  capacity_ = static_cast<std::uint32_t>(std::min<std::size_t>(block_ / stride_, 1u << 31));
  WEIR_CHECK(capacity_ > used_);
  return {};
}

Result<std::uint32_t> StatePool::take() {
  if (count_ >= setup_.rows_max)
    return Error(ErrorCode::kLimitExceeded,
                 "more than groups_max = " + std::to_string(setup_.rows_max) + " windows are open on one shard")
        .with_hint("raise groups_max, use more shards or let the watermark follow the data more closely");
  std::uint32_t row = used_;
  if (!free_.empty()) {
    row = free_[free_.size() - 1];
    free_.pop();
  } else {
    if (used_ == capacity_) WEIR_TRY(grow());
    if (used_ % 64 == 0 && !in_use_.push(0)) return full();
    ++used_;
  }
  in_use_[row / 64] |= std::uint64_t{1} << (row % 64);
  ++count_;
  initialize_row(*setup_.aggregates, state(row));
  return row;
}

void StatePool::give_back(std::uint32_t row) noexcept {
  WEIR_DCHECK(in_use(row));
  release_row(*setup_.aggregates, state(row), memory());
  in_use_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  --count_;
  (void)free_.push(row);  // without room in the list the row stays unused until the pool is empty
}

Result<void> StatePool::reclaim() {
  if (count_ == 0) {
    if (rows_ != nullptr) setup_.arena->give_back(rows_, block_);
    rows_ = nullptr;
    block_ = 0;
    capacity_ = used_ = 0;
    free_.free();
    in_use_.free();
    heap_.clear();
    strings_.free(*setup_.arena);
    strings_live_ = 0;
    return {};
  }
  if (strings_.bytes() < 2 * strings_live_ + kStringsSlack) return {};
  StringStore fresh;
  for (std::uint32_t row = 0; row < used_; ++row) {
    if (!in_use(row)) continue;
    for (const Accumulator& accumulator : setup_.aggregates->accumulators()) {
      if (accumulator.kind != AccumulatorKind::kMinString && accumulator.kind != AccumulatorKind::kMaxString) continue;
      auto& text = *reinterpret_cast<StringRef*>(state(row) + accumulator.offset);
      if (text.size != StringStore::kUnset && !fresh.store(text, *setup_.arena, text)) return full();
    }
  }
  strings_.free(*setup_.arena);
  strings_ = fresh;
  strings_live_ = strings_.bytes();
  return {};
}

}  // namespace weir
