// Ledger: every row is accounted for. Each operator counts the rows that came in, went out and were dropped, by reason;
// rows that an aggregate has taken in are `absorbed` (their effect is in the state or in a result already given). At
// every barrier and at the end: in = out + absorbed + filtered + held + dropped by reason + dead-lettered + side
// output. A row that vanishes uncounted is the worst defect that Weir can have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

enum class DropReason : std::uint8_t {
  kLate,
  kMalformed,
  kNullEventTime,
  kSlowSink,
  kIncompleteWindow,
  kKernelDrop,   ///< Datagrams that the system had no room for.
  kSequenceGap,  ///< Messages that a numbered feed sent and that never came.
  kCount
};
constexpr std::string_view drop_reason_name(DropReason reason) noexcept {
  constexpr std::string_view kNames[] = {
      "late", "malformed", "null_event_time", "slow_sink", "incomplete_window", "kernel_drop", "sequence_gap"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// Counters of one operator instance. Thread: written by the owning shard, read by others when the shard has stopped or
/// through the progress snapshot.
struct OperatorLedger {
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;       ///< Pushed to the next operator, into an exchange or out of the process.
  std::uint64_t rows_filtered = 0;  ///< A WHERE or HAVING was not TRUE.
  std::uint64_t rows_absorbed = 0;  ///< Taken into aggregate state.
  std::uint64_t rows_created = 0;   ///< Results made from state (not part of the rows that came in).
  std::uint64_t dead_lettered = 0;
  std::uint64_t side_output = 0;  ///< Late rows that went to a table of their own.
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::kCount)> dropped{};

  std::uint64_t dropped_total() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint64_t count : dropped) sum += count;
    return sum;
  }
  /// 0 when the ledger closes. `held` is Operator::held_rows().
  std::int64_t imbalance(std::uint64_t held) const noexcept {
    return static_cast<std::int64_t>(rows_in + rows_created) -
           static_cast<std::int64_t>(rows_out + rows_filtered + rows_absorbed + dead_lettered + side_output +
                                     dropped_total() + held);
  }
};

}  // namespace weir
