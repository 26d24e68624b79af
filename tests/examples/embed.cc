// Weir inside a program: rows from memory in, SQL in between, results out by a callback.
#include <cstdio>

#include "weir/weir.h"

int main() {
  constexpr const char* kSql = R"(
      CREATE TABLE ticks (ts_ms BIGINT, price DOUBLE, ts AS TO_TIMESTAMP_LTZ(ts_ms, 3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'host');
      CREATE TABLE bars (window_start TIMESTAMP(3), low DOUBLE, high DOUBLE) WITH ('connector' = 'host');
      INSERT INTO bars SELECT window_start, MIN(price), MAX(price)
      FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;)";
  bool given = false;
  weir::JobOptions options;
  options.pin = false;
  options.host_tables["ticks"].read = [&](std::uint32_t, weir::Batch& batch) {
    if (given) return weir::ReadStatus::kEnd;
    given = true;
    for (std::uint32_t row = 0; row < 120; ++row) {  // one tick a second
      batch.column(0).values<std::int64_t>()[row] = 1000 * row;
      batch.column(1).values<double>()[row] = 100 + row % 7;
    }
    batch.set_row_count(120);
    return weir::ReadStatus::kRows;
  };
  options.host_tables["bars"].write = [](std::uint32_t, const weir::Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      std::printf("minute %lld: %.1f to %.1f\n", batch.column(0).values<std::int64_t>()[row] / 60'000'000'000LL,
                  batch.column(1).values<double>()[row], batch.column(2).values<double>()[row]);
    }
  };
  auto job = weir::make_job(kSql, std::move(options));
  if (!job) return std::fprintf(stderr, "%s\n", job.error().to_string().c_str()), 1;
  if (auto done = (*job)->run(); !done) return std::fprintf(stderr, "%s\n", done.error().to_string().c_str()), 1;
  return 0;
}
