// Weir as a part of a trading program: ticks are appended from the program's own thread, and the answer is there when
// append returns. An Engine has the jobs and a C++ function that their SQL calls; typed rows go in and come out.
#include <cstdio>

#include "weir/weir.h"

struct Tick {
  std::int64_t us;
  std::int32_t symbol;
  float bid, ask;
};

struct Bar {
  std::int64_t start_ms;
  std::int32_t symbol;
  double low, high;
};

constexpr const char* kSql = R"(
    CREATE TABLE ticks (ts TIMESTAMP_LTZ(6), symbol INT, bid FLOAT, ask FLOAT, WATERMARK FOR ts AS ts)
    WITH ('connector' = 'host');
    CREATE TABLE alerts (symbol INT, spread DOUBLE) WITH ('connector' = 'host');
    CREATE TABLE bars (start_time TIMESTAMP(3), symbol INT, low DOUBLE, high DOUBLE) WITH ('connector' = 'host');
    EXECUTE STATEMENT SET BEGIN
    INSERT INTO alerts SELECT symbol, SPREAD(bid, ask) FROM ticks WHERE SPREAD(bid, ask) > 0.5;
    INSERT INTO bars SELECT window_start, symbol, MIN(SPREAD(bid, ask)), MAX(SPREAD(bid, ask))
    FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, symbol;
    END;)";

weir::Result<void> run() {
  weir::Engine engine;
  WEIR_TRY(engine.functions().add_function("spread", [](double bid, double ask) { return ask - bid; }));
  weir::JobOptions options;
  options.inline_append = true;
  auto& ticks = options.host_tables["ticks"];
  ticks.structs = weir::struct_layout<Tick>(
      {weir::struct_field("ts", &Tick::us, 1'000), weir::struct_field("symbol", &Tick::symbol),
       weir::struct_field("bid", &Tick::bid), weir::struct_field("ask", &Tick::ask)});
  ticks.feed.writers = 1;
  options.host_tables["alerts"].write = [](std::uint32_t, const weir::Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      std::printf("alert: symbol %d has a spread of %.2f\n", batch.column(0).values<std::int32_t>()[row],
                  batch.column(1).values<double>()[row]);
    }
  };
  options.host_tables["bars"].results.batches = 4;

  WEIR_ASSIGN(weir::Job * job, engine.create_job("spreads", kSql, std::move(options)));
  WEIR_ASSIGN(weir::Writer writer, job->writer("ticks"));
  WEIR_ASSIGN(weir::Reader reader, job->reader("bars"));
  WEIR_TRY(reader.set_structs(weir::struct_layout<Bar>(
      {weir::struct_field("start_time", &Bar::start_ms, 1'000'000), weir::struct_field("symbol", &Bar::symbol),
       weir::struct_field("low", &Bar::low), weir::struct_field("high", &Bar::high)})));

  for (int i = 0; i < 30; ++i) {
    const auto spread = static_cast<float>(i % 10) / 16;
    const Tick tick{i * 100'000, i % 2, 100, 100 + spread};
    std::printf("tick %d\n", i);
    if (writer.append(tick) != weir::Appended::kDone) break;  // an alert, where there is one, has been printed
  }
  writer.heartbeat(3'000'000'000);  // nothing before second 3 comes any more: the last bars are complete
  Bar bars[16];
  WEIR_ASSIGN(const std::size_t count, reader.read_structs(bars, 16));
  for (std::size_t i = 0; i < count; ++i) {
    std::printf("bar from %lld ms: symbol %d, spread %.2f to %.2f\n", static_cast<long long>(bars[i].start_ms),
                bars[i].symbol, bars[i].low, bars[i].high);
  }
  writer.end();
  return job->wait();
}

int main() {
  if (auto done = run(); !done) return std::fprintf(stderr, "%s\n", done.error().to_string().c_str()), 1;
  return 0;
}
