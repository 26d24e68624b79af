// The jobs whose latency is measured: a quote in, a filtered row or an aggregate out, fed by a writer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/parameters.h"
#include "weir/weir.h"

namespace weir::bench {

/// `sent` travels through the query: the tick of the clock for which the row was meant.
struct Quote {
  std::int64_t us = 0;
  std::int64_t sent = 0;
  std::int32_t symbol = 0;
  float price = 0;
};

struct LatencyJob {
  const char* name;
  const char* sql;
  std::uint32_t sent_column;      ///< Of the results.
  std::uint64_t window_rows = 1;  ///< A result is due with the last row of each so many.
};

/// Filtered rows; an aggregate that changes with every row; one that comes as its window closes.
inline std::vector<LatencyJob> latency_jobs() {
#define WEIR_QUOTES                                                                                         \
  "CREATE TABLE quotes (ts TIMESTAMP(6), sent BIGINT NOT NULL, symbol INT NOT NULL, price FLOAT NOT NULL, " \
  "WATERMARK FOR ts AS ts) WITH ('connector' = 'host');\n"
  return {
      {"filter",
       WEIR_QUOTES "CREATE TABLE answers (sent BIGINT, symbol INT, price FLOAT) WITH ('connector' = 'host');\n"
                   "INSERT INTO answers SELECT sent, symbol, price * 2 FROM quotes WHERE price > 10;",
       0},
      {"aggregate, changes",
       "SET 'table.exec.emit.early-fire.enabled' = 'true';\nSET 'table.exec.emit.early-fire.delay' = '0 "
       "ms';\n" WEIR_QUOTES
       "CREATE TABLE answers (sent BIGINT, symbol INT, n BIGINT, high FLOAT) WITH ('connector' = 'host');\n"
       "INSERT INTO answers SELECT MAX(sent), symbol, COUNT(*), MAX(price) FROM TABLE(TUMBLE(TABLE quotes, "
       "DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, symbol;",
       0},
      {"aggregate, windows",
       WEIR_QUOTES "CREATE TABLE answers (sent BIGINT, symbol INT, n BIGINT, high FLOAT) WITH ('connector' = 'host');\n"
                   "INSERT INTO answers SELECT MAX(sent), symbol, COUNT(*), MAX(price) FROM TABLE(TUMBLE(TABLE quotes, "
                   "DESCRIPTOR(ts), INTERVAL '0.00001' SECOND)) GROUP BY window_start, window_end, symbol;",
       0, 10},
  };
#undef WEIR_QUOTES
}

inline JobOptions latency_options(const Parameters& parameters, std::function<void(const Batch&)> take) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.state_bytes_max = std::size_t{64} << 20;
  options.groups_max = 4096;
  HostTable& quotes = options.host_tables["quotes"];
  quotes.structs = struct_layout<Quote>({struct_field("ts", &Quote::us, 1'000), struct_field("sent", &Quote::sent),
                                         struct_field("symbol", &Quote::symbol), struct_field("price", &Quote::price)});
  quotes.feed.writers = 1;
  options.host_tables["answers"].write = [take = std::move(take)](std::uint32_t, const Batch& batch) { take(batch); };
  return options;
}

}  // namespace weir::bench
