// DeadLetterQueue: malformed records between the reader that met them and the operators of their table.
//
//   reader ─ take ─► entries (bounded) ─ push ─► project ─► sink, or exchange to the shard that writes
//
// A reader meets bad records while it decodes, when nothing can be said to it but "pause after this one"; so the queue
// asks for a pause while it still has room for what may come in the same breath (the cut records of connections that
// end). No record is lost: where the table's sink stands still, the source stops reading.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operators/batch_memory.h"
#include "weir/io/format.h"
#include "weir/pipeline/operator.h"
#include "weir/pipeline/plan.h"

namespace weir {

inline constexpr std::size_t kDeadRecordBytesMax = 256;  ///< First bytes of a record that are kept.

/// Thread: the owning shard. Allocates: in the constructor only.
class DeadLetterQueue {
 public:
  /// `at_once_max`: records that may come after a pause was asked for. `inputs` are the names of the fragment's inputs.
  DeadLetterQueue(FragmentContext& context, std::string table, std::vector<std::string> inputs,
                  std::uint32_t at_once_max);

  /// Keeps the record's first bytes. False where there is no room, which a pause should have kept from happening.
  bool take(const BadRecord& record, std::size_t input) noexcept;
  /// The reader should give nothing more until push has made room.
  bool wants_pause() const noexcept { return count_ >= kPauseAt; }
  bool empty() const noexcept { return count_ == 0; }
  std::uint64_t held() const noexcept { return count_; }
  /// Gives what it holds to the operator as far as that accepts; returns how many records.
  std::size_t push(Operator& to);

 private:
  static constexpr std::uint32_t kPauseAt = 64;
  struct Entry {
    std::uint64_t record = 0, byte = 0;
    std::uint32_t input = 0;
    std::uint32_t record_size = 0, reason_size = 0, column_size = 0;
    char bytes[kDeadRecordBytesMax], text[kDeadRecordBytesMax], reason[kDeadRecordBytesMax], column[64];
  };
  std::size_t put(const Entry& entry, std::uint32_t row);

  FragmentContext& context_;
  std::string table_;
  std::vector<std::string> inputs_;
  std::vector<Entry> entries_;
  std::uint32_t count_ = 0;
  BatchMemory batch_;
};

}  // namespace weir
