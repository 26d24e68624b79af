// ReceiverFragment: a fragment fed by exchanges, one a sending shard. Watermarks merge by minimum over the senders that
// are not idle (by maximum where all are); the input ends when the last sender's has.
//
// Alignment. While the head is crowded (Operator::crowded), a sender whose watermark is ahead of another's is not read:
// its credits stay here, and so it stops by itself. Nobody waits for ever. Each sender gives every receiver the same
// watermarks in the same order, so the one that has come least far is held by nobody once what it sent has been read;
// it always has credits, and when it comes further the others follow. Idle senders are read always, and neither they
// nor those that have ended hold others. Behind a receiver that waits here stand receivers of which the same holds: a
// watermark that one of them has passed on, all senders have sent to the others too.
#pragma once

#include <vector>

#include "engine/fragment.h"
#include "engine/idle_board.h"

namespace weir {

/// Thread: the owning shard.
class ReceiverFragment final : public Fragment {
 public:
  /// Requires: the exchanges outlive this.
  ReceiverFragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace,
                   std::vector<Exchange*> senders);
  /// Where a sender that was idle learns how far this receiver has come. Requires: set before the first run.
  void set_idle_board(IdleBoard& board, std::size_t receiver) noexcept {
    board_ = &board;
    receiver_ = receiver;
  }

  std::uint64_t rows_received() const noexcept { return rows_received_; }

 protected:
  std::size_t feed() override;
  bool feed_ended() const noexcept override { return end_sent_; }

 private:
  struct Sender {
    Exchange* exchange = nullptr;
    Watermark watermark = kWatermarkNone;
    bool ended = false;
    bool idle = false;
  };

  void take(Sender& sender, const ExchangeItem& item);
  std::size_t pass_watermark();
  std::size_t next_sender(int item_count) noexcept;
  /// Whether the sender is ahead of another one while there is little room for slices.
  bool must_wait(const Sender& sender) noexcept;

  std::vector<Sender> senders_;
  IdleBoard* board_ = nullptr;
  std::size_t receiver_ = 0;
  std::size_t turn_ = 0;
  std::size_t behind_ = 0;             // holds the watermark back
  bool uneven_ = false;                // another has come further
  Watermark merged_ = kWatermarkNone;  // passed on so far
  std::uint64_t rows_received_ = 0;
  bool end_sent_ = false;
};

}  // namespace weir
