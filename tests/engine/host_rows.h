// Ticks that a test's host appends, the bars that a job makes of them, and the same bars recomputed row by row.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "weir/core/random.h"
#include "weir/weir.h"

namespace weir::test {

struct Tick {
  std::int64_t ms = 0;
  std::int32_t symbol = 0;
  float price = 0;
};

inline StructLayout tick_layout() {
  return struct_layout<Tick>({struct_field("ts", &Tick::ms, 1'000'000), struct_field("symbol", &Tick::symbol),
                              struct_field("price", &Tick::price)});
}

struct Bar {
  std::int64_t start_ms = 0;
  std::int32_t symbol = 0;
  std::int64_t count = 0;
  double high = 0;
  friend auto operator<=>(const Bar&, const Bar&) = default;
};

inline StructLayout bar_layout() {
  return struct_layout<Bar>({struct_field("window_start", &Bar::start_ms, 1'000'000),
                             struct_field("symbol", &Bar::symbol), struct_field("n", &Bar::count),
                             struct_field("high", &Bar::high)});
}

inline constexpr std::int64_t kBarMs = 100;
inline constexpr std::int64_t kDelayMs = 20;

/// Bars of 100 ms, a watermark 20 ms behind.
inline constexpr const char* kBarsSql = R"(
    CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT, WATERMARK FOR ts AS ts - INTERVAL '0.020' SECOND)
    WITH ('connector' = 'host');
    CREATE TABLE bars (window_start TIMESTAMP(3), symbol INT, n BIGINT, high DOUBLE) WITH ('connector' = 'host');
    INSERT INTO bars SELECT window_start, symbol, COUNT(*), CAST(MAX(price) AS DOUBLE)
    FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '0.1' SECOND))
    GROUP BY window_start, window_end, symbol;)";

/// Ticks about a millisecond apart, some of them so far behind that they are late.
inline std::vector<Tick> make_ticks(std::size_t count, std::uint64_t seed) {
  std::vector<Tick> ticks;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t draw = random_at(seed, i);
    Tick tick;
    tick.ms =
        static_cast<std::int64_t>(i) - static_cast<std::int64_t>(draw % 64 == 0 ? draw / 64 % 300 : draw / 64 % 25);
    tick.symbol = static_cast<std::int32_t>(draw / 20'000 % 7);
    tick.price = static_cast<float>(draw / 200'000 % 1000);
    ticks.push_back(tick);
  }
  return ticks;
}

/// What one writer appended: ticks, and heartbeats in milliseconds before the tick of that number.
struct Appends {
  std::vector<Tick> ticks;
  std::map<std::size_t, std::int64_t> heartbeats = {};
};

struct Bars {
  std::vector<Bar> bars;  ///< Sorted.
  std::uint64_t late = 0;
};

inline std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  return value / step * step - (value % step < 0 ? step : 0);
}

/// Row by row: late is what comes when its own writer's watermark has passed its window's end.
inline Bars naive_bars(const std::vector<Appends>& writers) {
  Bars out;
  std::map<std::pair<std::int64_t, std::int32_t>, Bar> bars;
  for (const Appends& writer : writers) {
    std::int64_t watermark = INT64_MIN;
    for (std::size_t i = 0; i < writer.ticks.size(); ++i) {
      if (const auto found = writer.heartbeats.find(i); found != writer.heartbeats.end())
        watermark = std::max(watermark, found->second);
      const Tick& tick = writer.ticks[i];
      const std::int64_t start = floor_to(tick.ms, kBarMs);
      if (watermark >= start + kBarMs - 1) {
        ++out.late;
      } else {
        Bar& bar = bars[{start, tick.symbol}];
        const bool first = bar.count == 0;
        bar.start_ms = start;
        bar.symbol = tick.symbol;
        ++bar.count;
        bar.high = first ? double{tick.price} : std::max(bar.high, double{tick.price});
      }
      watermark = std::max(watermark, tick.ms - kDelayMs);
    }
  }
  for (const auto& [key, bar] : bars) out.bars.push_back(bar);
  std::sort(out.bars.begin(), out.bars.end());
  return out;
}

/// A job, and the first writer of its table `ticks`.
inline std::pair<std::unique_ptr<Job>, Writer> make_written_job(JobOptions options, const char* sql = kBarsSql) {
  auto job = make_job(sql, std::move(options));
  EXPECT_TRUE(job.has_value()) << job.error().to_string();
  auto writer = (*job)->writer("ticks");
  EXPECT_TRUE(writer.has_value()) << writer.error().to_string();
  return {std::move(*job), std::move(*writer)};
}

/// A callback for HostTable::write that keeps bars.
inline std::function<void(std::uint32_t, const Batch&)> keep_bars(std::vector<Bar>& bars) {
  return [&bars](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      bars.push_back({batch.column(0).values<std::int64_t>()[row] / 1'000'000,
                      batch.column(1).values<std::int32_t>()[row], batch.column(2).values<std::int64_t>()[row],
                      batch.column(3).values<double>()[row]});
    }
  };
}

}  // namespace weir::test
