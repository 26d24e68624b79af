// Opens, finds and closes slices. See slice_store.h.
#include "window/slice_store.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "window/window_math.h"

namespace weir {

Result<void> check_window(const WindowSpec& spec) {
  if (spec.kind == WindowKind::kCount) {
    constexpr std::int64_t kRowsMax = std::int64_t{1} << 30;
    if (spec.slide_rows <= 0 || spec.slide_rows > kRowsMax || spec.size_rows <= 0 || spec.size_rows > kRowsMax)
      return Error(ErrorCode::kInvalidArgument, "a window of rows, and its slide, have 1 to 2^30 rows");
    return {};
  }
  constexpr std::int64_t kSizeMax = std::int64_t{1} << 60;  // 36 years
  if (spec.size_ns <= 0 || spec.size_ns > kSizeMax)
    return Error(ErrorCode::kInvalidArgument, "the size of a window must be above 0 and below 36 years");
  if (spec.tick_ns <= 0 || spec.tick_ns > spec.size_ns)
    return Error(ErrorCode::kInvalidArgument, "a window must be at least one unit of its time attribute long");
  if (spec.kind == WindowKind::kTumble || spec.kind == WindowKind::kSession) return {};
  const char* slide = spec.kind == WindowKind::kHop ? "slide" : "step";
  if (spec.slide_ns <= 0 || spec.size_ns % spec.slide_ns != 0)
    return Error(ErrorCode::kInvalidArgument,
                 std::string("the size of a window must be a whole multiple of its ") + slide);
  if (spec.tick_ns > spec.slide_ns)
    return Error(ErrorCode::kInvalidArgument, std::string("the ") + slide + " is below one unit of the time attribute");
  return {};
}

SliceStore::SliceStore(std::uint32_t slices_max, const GroupTable::Setup& setup)
    : slices_max_(slices_max),
      slices_(std::make_unique<Slice[]>(slices_max)),
      order_(std::make_unique<Slice*[]>(std::size_t{slices_max} * 2)),
      free_(std::make_unique<Slice*[]>(slices_max)),
      memory_bytes_(slices_max * (sizeof(Slice) + 3 * sizeof(Slice*))) {
  for (std::uint32_t i = 0; i < slices_max; ++i) {
    slices_[i].table.set_up(setup);
    free_[slices_max - 1 - i] = &slices_[i];
  }
}

std::uint32_t SliceStore::lower_bound(std::int64_t start, std::int64_t window_end_min) const noexcept {
  const auto before = [&](const Slice* slice, int) {
    return slice->start != start ? slice->start < start : slice->window_end_min < window_end_min;
  };
  Slice** first = order_.get() + head_;
  return static_cast<std::uint32_t>(std::lower_bound(first, first + open_count_, 0, before) - first);
}

/// lower_bound, after a look behind the slice that was found last: rows and partials come in order of time.
std::uint32_t SliceStore::next_position(std::int64_t start, std::int64_t window_end_min) const noexcept {
  const std::uint32_t next = last_position_ + 1;
  if (last_ != nullptr && next <= open_count_) {
    const Slice& before = at(last_position_);
    if (before.start < start && (next == open_count_ || start < at(next).start ||
                                 (start == at(next).start && window_end_min <= at(next).window_end_min)))
      return next;
  }
  return lower_bound(start, window_end_min);
}

Result<Slice*> SliceStore::find_or_open(std::int64_t start, std::int64_t window_end_min) {
  if (last_ != nullptr && last_->start == start && last_->window_end_min == window_end_min) return last_;
  const std::uint32_t position = next_position(start, window_end_min);
  last_position_ = position;
  if (position < open_count_) {
    Slice* found = order_[head_ + position];
    if (found->start == start && found->window_end_min == window_end_min) return last_ = found;
  }
  if (open_count_ == slices_max_)
    return Error(ErrorCode::kLimitExceeded,
                 "more than slices_max = " + std::to_string(slices_max_) + " slices are open on one shard")
        .with_hint("raise slices_max, or let the watermark follow the data more closely");
  if (head_ + open_count_ == slices_max_ * 2) {  // at most once in slices_max slices
    std::memmove(&order_[0], &order_[head_], open_count_ * sizeof(Slice*));
    head_ = 0;
  }
  Slice* opened = free_[slices_max_ - open_count_ - 1];
  Slice** at = &order_[head_ + position];
  std::memmove(at + 1, at, (open_count_ - position) * sizeof(Slice*));
  *at = opened;
  ++open_count_;
  entered_until_ = std::min(entered_until_, position);
  opened->start = start;
  opened->window_end_min = window_end_min;
  opened->place = SlicePlace::kPending;
  // With few slices open, start with the room that the last one needed; with many, memory is better spent on demand.
  // Slices that share windows are walked through and alike: theirs is what half of the last one's groups need.
  constexpr std::uint32_t kFew = 4;
  const std::uint32_t hint = opened->table.numbered() ? groups_hint_ / 2 + 1 : 0;
  if (open_count_ <= kFew)
    opened->table.expect(groups_hint_, true, range_hint_);
  else
    opened->table.expect(hint, false);
  return last_ = opened;
}

void SliceStore::enter(std::uint32_t position, SlicePlace place) noexcept {
  at(position).place = place;
  while (entered_until_ < open_count_ && at(entered_until_).place != SlicePlace::kPending) ++entered_until_;
}

void SliceStore::close(std::uint32_t position) noexcept {
  WEIR_CHECK_LT(position, open_count_);
  Slice* closed = order_[head_ + position];
  const std::uint32_t groups = closed->table.group_count();
  groups_hint_ = closed->table.dense() || closed->table.plane() ? 0 : groups;
  // A range that is half empty may be what a few keys far out have left.
  const DenseRange range = closed->table.dense() ? closed->table.dense_range() : DenseRange{};
  range_hint_ = groups >= range.count / 2 ? range : DenseRange{};
  closed->table.clear();
  if (position < entered_until_) --entered_until_;
  --open_count_;
  if (position == 0) {
    ++head_;
  } else {
    Slice** at = &order_[head_ + position];
    std::memmove(at, at + 1, (open_count_ - position) * sizeof(Slice*));
  }
  free_[slices_max_ - open_count_ - 1] = closed;
  last_ = nullptr;
}

}  // namespace weir
