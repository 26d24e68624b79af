// Query: one of LightSaber's application queries: its rows, its SQL, the naive answer, and the bar.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/parameters.h"
#include "harness/report.h"
#include "weir/core/batch.h"
#include "workloads/lightsaber/replay.h"

namespace weir {
class FunctionCatalogue;
}

namespace weir::bench {

/// What a key has in a window.
struct Cell {
  std::int64_t count = 0;
  std::array<double, 3> sums{};
  std::int64_t last_unit = 0;
};

/// A row of results: exact columns in order (window_end first; times in ns), then at most one that is rounded.
struct ResultRow {
  std::array<std::int64_t, 6> words{};
  std::uint32_t word_count = 0;
  double real = 0;
  void add(std::int64_t word) { words[word_count++] = word; }
};

/// Sums over result rows, of which the order does not matter.
struct Totals {
  std::uint64_t rows = 0;
  std::uint64_t words = 0;  ///< Of word i times an odd number of its own.
  double real = 0;
  void add(const ResultRow& row) noexcept;
  void add(const Batch& batch) noexcept;
  static std::uint64_t weight(std::uint32_t word) noexcept { return 0x9E3779B97F4A7C15ull * (2 * word + 1) | 1; }
};

struct Query {
  static constexpr std::uint32_t kDropped = ~0u;  ///< Key of a row that the filter drops.

  std::string name;
  double peer = 0;             ///< Greatest rate that LightSaber was seen to reach with one worker, M rows/s.
  double factor = 1;           ///< Weir's bar is that many times the peer, moved by memory bandwidth.
  std::string columns;         ///< Of the table, without the watermark.
  std::string result_columns;  ///< Of the sink.
  std::string select;          ///< After INSERT INTO results.
  std::shared_ptr<const FunctionCatalogue> functions;  ///< What it calls beside Weir's own.
  std::vector<std::string> read_columns;               ///< Those that the query reads, in the order of the table.
  StructLayout layout;
  std::int64_t unit_ns = 1'000'000'000;
  std::int64_t size = 1, slide = 1;  ///< Of the window, in units.
  bool reads_under_half = false;     ///< Of the bytes of a row.
  std::uint64_t rows = 0;            ///< Of a measured run.
  Replay replay;

  // For the naive answer, by row of the replay buffer.
  std::vector<std::uint32_t> keys;
  std::vector<std::array<double, 3>> values;
  std::uint32_t key_count = 0;
  /// Writes the result of a key behind the window's end; false where HAVING drops it.
  std::function<bool(std::uint32_t key, const Cell& cell, ResultRow& row)> lower;

  std::string sql() const;
};

/// Answers naively: adds each unit's rows and takes them away `size` units later. `take` gets every result row.
void answer(const Query& query, std::uint64_t rows, std::uint32_t inputs,
            const std::function<void(const ResultRow&)>& take);

/// Makes keys dense: numbers them in order of appearance.
class KeyNumbers {
 public:
  std::uint32_t number(const std::array<std::int64_t, 4>& key);
  const std::array<std::int64_t, 4>& key(std::uint32_t number) const { return keys_[number]; }
  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(keys_.size()); }

 private:
  std::map<std::array<std::int64_t, 4>, std::uint32_t> numbers_;
  std::vector<std::array<std::int64_t, 4>> keys_;
};

// The queries, one file an application. Empty where their sample is not there.
std::vector<Query> yahoo_queries(const Parameters& parameters);
std::vector<Query> cluster_queries(const Parameters& parameters);
std::vector<Query> smart_grid_queries(const Parameters& parameters);
std::vector<Query> linear_road_queries(const Parameters& parameters);
std::vector<Query> manufacturing_queries(const Parameters& parameters);
std::vector<Query> nexmark_queries(const Parameters& parameters);

/// Bytes of a replay buffer.
std::size_t replay_bytes(const Parameters& parameters);
/// Rows of a measured run.
std::uint64_t run_rows(const Parameters& parameters, std::uint64_t measuring);

}  // namespace weir::bench
