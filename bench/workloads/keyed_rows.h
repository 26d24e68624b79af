// Rows for the keyed workloads and the naive answer to COUNT and SUM by window and key.
//
// An event every microsecond, times in whole milliseconds (TIMESTAMP(3)) and in order; keys and values at random. Keys
// and values repeat after kPeriod rows, which is far more than the caches hold; times do not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/columns.h"
#include "limits/limits.h"
#include "workloads/host_job.h"

namespace weir::bench {

inline constexpr std::size_t kPeriod = std::size_t{1} << 24;
inline constexpr std::int64_t kWindowNs = 10'000'000'000;  // 10 s: ten million rows
inline constexpr std::uint64_t kRowsPerWindow = 10'000'000;

/// Event times of rows 0 …, made once for all workloads.
const Column<std::int64_t>& event_times(std::uint64_t rows);
Column<double> values(std::size_t rows);

/// Answers by window and key number.
class KeyedAnswer {
 public:
  KeyedAnswer(std::uint64_t rows, std::uint32_t keys) : keys_(keys), groups_((rows / kRowsPerWindow + 1) * keys) {}
  CountSum& at(std::uint64_t window, std::uint64_t key) { return groups_[window * keys_ + key]; }
  void clear() { std::fill(groups_.begin(), groups_.end(), CountSum{}); }
  bool valid(std::uint64_t window, std::uint64_t key) const { return window < groups_.size() / keys_ && key < keys_; }
  /// Ends the program where a group differs or is missing.
  void expect(const std::string& workload, const KeyedAnswer& found) const;

 private:
  std::uint64_t keys_;
  std::vector<CountSum> groups_;
};

/// SQL of the keyed workloads over a host table `events`, into a host table `totals`.
std::string keyed_sql(const std::string& key_type, const std::string& value_type = "DOUBLE");

}  // namespace weir::bench
