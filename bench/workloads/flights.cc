// Real rows: a month of flights by airport and hour, CSV to a CSV file, one shard. The month is repeated, each time 32
// days later, until there is enough of it.
//
// Expected. 25 bytes a line, five fields, two of them strings of three letters; 15 to 20 ns to find and convert, a
// filter, a string key in 200 to 250 groups an hour, five aggregates, AVG over a cast; and a new window every 600 rows
// or so, each with 150 results of eight columns: 0.25 result a row, 150 ns each. So 80 to 120 ns a line: 200 to 300
// MB/s. Bar: 300 MB/s.
#include <zstd.h>

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "workloads/host_job.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kPath = WEIR_SOURCE_DIR "/tests/data/flights_2001_01.csv.zst";
constexpr std::int64_t kShift = 32 * 86'400;

struct Hour {
  std::int64_t flights = 0, delay_sum = 0;
  bool operator==(const Hour&) const = default;
};
using Hours = std::map<std::pair<std::int64_t, std::string>, Hour>;

std::string month() {
  std::ifstream file(kPath, std::ios::binary);
  std::ostringstream packed;
  packed << file.rdbuf();
  const std::string bytes = packed.str();
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (bytes.empty() || size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return {};
  std::string text(size, '\0');
  const std::size_t got = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  return ZSTD_isError(got) ? std::string{} : text;
}

/// Rows of the month, `copies` times, each 32 days after the one before; the header is left out.
std::string repeated(const std::string& text, std::uint64_t copies, std::uint64_t* rows) {
  std::string out;
  out.reserve(text.size() * copies);
  const std::size_t body = text.find('\n') + 1;
  for (std::uint64_t copy = 0; copy < copies; ++copy) {
    for (std::size_t at = body; at < text.size(); ++*rows) {
      const std::size_t end = text.find('\n', at) + 1;
      std::int64_t time = 0;
      const char* rest = std::from_chars(text.data() + at, text.data() + end, time).ptr;
      out += std::to_string(time + static_cast<std::int64_t>(copy) * kShift);
      out.append(rest, text.data() + end);
      at = end;
    }
  }
  return out;
}

Hours naive(const std::string& text) {
  Hours hours;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    long long time = 0;
    int delay = 0, distance = 0;
    char origin[8] = "";
    if (std::sscanf(line.c_str(), "%lld,%d,%d,%7[^,]", &time, &delay, &distance, origin) != 4 || distance < 200)
      continue;
    Hour& hour = hours[{time / 3600, origin}];
    ++hour.flights;
    hour.delay_sum += delay;
  }
  return hours;
}

Hours read_answer(const std::string& csv) {
  Hours hours;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string origin, second, flights, delay;
    std::getline(fields, origin, ',');
    std::getline(fields, second, ',');
    std::getline(fields, flights, ',');
    std::getline(fields, delay, ',');
    Hour& hour = hours[{std::atoll(second.c_str()) / 3600, origin}];
    hour.flights += std::atoll(flights.c_str());
    hour.delay_sum += std::atoll(delay.c_str());
  }
  return hours;
}

std::string flights_sql(const std::string& source, const std::string& sink) {
  return "CREATE TABLE flights (ts_s BIGINT, delay_min INT, distance INT, origin STRING, destination STRING,\n"
         "ts AS TO_TIMESTAMP_LTZ(ts_s, 0), WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE)\n"
         "WITH ('connector' = 'filesystem', 'path' = '" +
         source +
         "', 'format' = 'csv');\n"
         "CREATE TABLE hourly (origin STRING, start_s BIGINT, flights BIGINT, delay_sum BIGINT, delay_avg DOUBLE,\n"
         "delay_min INT, delay_max INT) WITH ('connector' = 'filesystem', 'path' = '" +
         sink +
         "', 'format' = 'csv');\n"
         "INSERT INTO hourly SELECT origin, UNIX_TIMESTAMP(CAST(window_start AS STRING)), COUNT(*), SUM(delay_min),\n"
         "AVG(CAST(delay_min AS DOUBLE)), MIN(delay_min), MAX(delay_min)\n"
         "FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE distance >= 200\n"
         "GROUP BY origin, window_start, window_end;\n";
}

}  // namespace

void run_flights(const Parameters& parameters, Report& report) {
  const std::string name = "flights";
  const std::string text = month();
  if (text.empty()) {
    report.note(std::string("flights: no ") + kPath);
    return;
  }
  std::uint64_t rows = 0;
  const std::string all = repeated(text, parameters.value("flights.months", 20, 1), &rows);
  const Hours expected = naive(all);
  const TemporaryFile source(parameters, "flights.csv"), sink(parameters, "hourly.csv");
  source.write(all);
  const std::string sql = flights_sql(source.path(), sink.path());
  const auto batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  const auto engine = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    options.batch_rows = batch_rows;
    const double seconds = run_job(name, sql, std::move(options), rows, parameters.time);
    if (read_answer(sink.take_parts()) != expected) wrong_answer(name, "an hour of an airport differs");
    return static_cast<double>(all.size()) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine});
  report.add({name, "by airport and hour", "MB/s", turns.rate(0), "", {}, turns.rate(0), Bar::kAtLeast, 300});
}

}  // namespace weir::bench
