// RowFeed: rows of a few inputs, made once and given to a job as often as a test runs one.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "weir/weir.h"

namespace weir::test {

template <class Row, std::uint32_t kInputs>
class RowFeed {
 public:
  /// `put` writes a row to the batch.
  using Put = std::function<void(Batch& batch, std::uint32_t at, const Row& row)>;
  explicit RowFeed(Put put) : put_(std::move(put)) {}

  /// All rows from the first one on. The feed outlives the job.
  HostTable table() {
    for (std::size_t& at : next_) at = 0;
    HostTable host;
    host.inputs = kInputs;
    host.read = [this](std::uint32_t input, Batch& batch) {
      std::uint32_t count = 0;
      std::size_t& next = next_[input];
      for (; count < batch.capacity() && next < rows_[input].size(); ++count, ++next)
        put_(batch, count, rows_[input][next]);
      batch.set_row_count(count);
      return next == rows_[input].size() ? ReadStatus::kEnd : ReadStatus::kRows;
    };
    return host;
  }

 protected:
  std::vector<Row> rows_[kInputs];

 private:
  Put put_;
  std::size_t next_[kInputs] = {};
};

}  // namespace weir::test
