// Receiving from exchanges in turns and merging their watermarks (receiver_fragment.h).
#include "engine/receiver_fragment.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr int kItemsPerRun = 8;  // bounds a turn

}  // namespace

ReceiverFragment::ReceiverFragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace,
                                   std::vector<Exchange*> senders)
    : Fragment(std::move(name), std::move(context), state, trace) {
  for (Exchange* exchange : senders) senders_.push_back({exchange});
}

void ReceiverFragment::take(Sender& sender, const ExchangeItem& item) {
  if (item.batch != nullptr) {
    rows_received_ += item.batch->selected_count();
    head().push(*item.batch);
    sender.exchange->give_back(item.batch);
    return;
  }
  switch (item.control.kind) {
    case Control::Kind::kWatermark:
      sender.watermark = std::max(sender.watermark, item.control.value);
      break;
    case Control::Kind::kEndOfInput:
      sender.watermark = kWatermarkEnd;
      sender.ended = true;
      sender.idle = false;
      break;
    case Control::Kind::kIdle:
      sender.idle = true;
      break;
    case Control::Kind::kActive:
      sender.idle = false;
      if (board_ != nullptr)
        board_->acknowledge(static_cast<std::size_t>(&sender - senders_.data()), receiver_, merged_);
      break;
    case Control::Kind::kBarrier:
      break;  // nothing takes barriers yet; a source that sends one comes with checkpoints
  }
}

std::size_t ReceiverFragment::pass_watermark() {
  if (end_sent_ || !head().accepts()) return 0;
  Watermark least = kWatermarkEnd, greatest = kWatermarkNone, greatest_idle = kWatermarkNone;
  bool ended = true, any = false;
  for (const Sender& sender : senders_) {
    if (!sender.idle && !sender.ended) greatest = std::max(greatest, sender.watermark);
    if (sender.idle) greatest_idle = std::max(greatest_idle, sender.watermark);
    if (!sender.idle && sender.watermark < least) {
      least = sender.watermark;
      behind_ = static_cast<std::size_t>(&sender - senders_.data());
    }
    any = any || (!sender.idle && !sender.ended);
    ended = ended && sender.ended;
  }
  uneven_ = any && least < greatest;
  if (!any && !ended) least = greatest_idle;
  if (ended) {
    head().control({Control::Kind::kEndOfInput, kWatermarkEnd});
    end_sent_ = true;
    return 1;
  }
  if (least <= merged_ || least == kWatermarkEnd) return 0;
  merged_ = least;
  head().control({Control::Kind::kWatermark, merged_});
  return 1;
}

bool ReceiverFragment::must_wait(const Sender& sender) noexcept {
  if (sender.idle || sender.watermark == kWatermarkNone || !head().crowded()) return false;
  return std::any_of(senders_.begin(), senders_.end(),
                     [&](const Sender& other) { return !other.idle && other.watermark < sender.watermark; });
}

/// In turns; where one has come less far than others, it is every other one, so that few slices are open.
std::size_t ReceiverFragment::next_sender(int item_count) noexcept {
  if (uneven_ && item_count % 2 == 0 && !senders_[behind_].exchange->empty()) return behind_;
  const std::size_t next = turn_;
  turn_ = (turn_ + 1) % senders_.size();
  return next;
}

std::size_t ReceiverFragment::feed() {
  std::size_t work = pass_watermark();
  bool empty = true;
  std::size_t misses = 0;
  for (int item_count = 0; item_count < kItemsPerRun && misses < senders_.size();) {
    if (!head().accepts()) {
      empty = false;
      break;
    }
    Sender& sender = senders_[next_sender(item_count)];
    ExchangeItem item;
    if (must_wait(sender) || !sender.exchange->receive(item)) {
      ++misses;
      continue;
    }
    misses = 0;
    ++item_count;
    empty = false;
    take(sender, item);
    work += 1 + pass_watermark();
    if (context().failure.has_value()) return work;
  }
  if (empty && !end_sent_) head().flush();
  return work;
}

}  // namespace weir
