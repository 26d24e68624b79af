// The three scenarios and their oracles (scenario.h, README.md).
#include "sim/scenario.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "weir/core/clock.h"
#include "weir/core/random.h"
#include "weir/io/backend.h"
#include "weir/io/sim.h"
#include "weir/weir.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kRoundsMax = 400'000;
constexpr std::int64_t kWindowMs = 10'000;

struct Row {
  std::int64_t ms = 0;
  std::string key;
  std::int64_t value = 0;
};

/// What a window of a key holds.
struct Cell {
  std::uint64_t count = 0;
  std::int64_t total = 0, least = 0, most = 0;
};

std::int64_t floor_to(std::int64_t ms, std::int64_t size) {
  const std::int64_t rest = ms % size;
  return ms - (rest < 0 ? rest + size : rest);
}

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;  // windows begin at whole seconds
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

/// The answer, row by row. A row is late when the watermark that the rows before it in its own input have raised has
/// passed the last millisecond of its window.
class Oracle {
 public:
  explicit Oracle(std::int64_t delay_ms) : delay_ms_(delay_ms) {}

  void begin_input() { watermark_.reset(); }
  void take(const Row& row) {
    const std::int64_t start = floor_to(row.ms, kWindowMs);
    if (watermark_.has_value() && start + kWindowMs - 1 <= *watermark_) {
      ++late;
    } else {
      Cell& cell = cells_[{row.key, start}];
      cell.least = cell.count == 0 ? row.value : std::min(cell.least, row.value);
      cell.most = cell.count == 0 ? row.value : std::max(cell.most, row.value);
      cell.total += row.value;
      ++cell.count;
    }
    watermark_ = std::max(watermark_.value_or(row.ms - delay_ms_), row.ms - delay_ms_);
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [at, cell] : cells_) {
      lines.push_back(at.first + "," + time_text(at.second) + "," + std::to_string(cell.count) + "," +
                      std::to_string(cell.total) + "," + std::to_string(cell.least) + "," + std::to_string(cell.most));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  std::uint64_t late = 0;

 private:
  std::int64_t delay_ms_;
  std::optional<std::int64_t> watermark_;
  std::map<std::pair<std::string, std::int64_t>, Cell> cells_;
};

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// One run: the world, the job and what is drawn for both.
class Run {
 public:
  explicit Run(std::uint64_t seed) : random(seed), world(clock, seed) {
    options.seed = seed;
    options.world = &world;
    options.shards = static_cast<std::uint32_t>(1 + random.below(4));
    options.batch_rows = std::array<std::uint32_t, 5>{1, 3, 16, 128, 1024}[random.below(5)];
    options.ring_batches = std::array<std::uint32_t, 3>{1, 2, 16}[random.below(3)];
    options.keyed_plan = random.below(2) == 0 ? KeyedPlan::kLocalMerge : KeyedPlan::kShuffle;
    options.record_bytes_max = 4096;
    options.state_bytes_max = 16u << 20;
    options.pin = false;
    options.slices_max = 512;
    note("shards", options.shards);
    note("batch_rows", options.batch_rows);
    note("ring_batches", options.ring_batches);
    report.drawn += options.keyed_plan == KeyedPlan::kShuffle ? "shuffle " : "local ";
  }
  ~Run() { job.reset(); }

  void note(const char* name, std::uint64_t value) {
    report.drawn += std::string(name) + "=" + std::to_string(value) + " ";
  }
  void cover(const std::string& what) { report.covered.push_back(what); }
  void violate(std::string what) { report.violations.push_back(std::move(what)); }
  bool chance(double probability) { return static_cast<double>(random.next() >> 11) * 0x1p-53 < probability; }

  /// Faults that change only when things happen.
  void draw_harmless_faults() {
    faults.short_read = chance(0.7) ? 0.5 : 0;
    faults.short_write = chance(0.7) ? 0.5 : 0;
    faults.buffer_shortage = chance(0.5) ? 0.3 : 0;
    faults.delay_max_ns = std::array<std::int64_t, 3>{2'000, 100'000, 20'000'000}[random.below(3)];
  }
  void draw_disk_faults(std::uint64_t output_bytes) {
    if (chance(0.5)) return;
    switch (random.below(5)) {
      case 0:
        faults.read_error = 0.05;
        report.drawn += "read_error ";
        break;
      case 1:
        faults.write_error = 0.2;
        report.drawn += "write_error ";
        break;
      case 2:
        faults.disk_bytes_max = random.below(2 * output_bytes + 2);
        note("disk_bytes_max", faults.disk_bytes_max);
        break;
      case 3:
        faults.rename_full = chance(0.7) ? 0.5 : 1;
        report.drawn += "rename_full ";
        break;
      default:
        faults.file_vanishes = 0.5;
        report.drawn += "file_vanishes ";
        break;
    }
  }

  bool make(const std::string& sql) {
    world.set_faults(faults);
    auto made = make_job(sql, options, "scenario.sql");
    if (!made.has_value()) {
      violate("the job was not made: " + made.error().to_string());
      return false;
    }
    job = std::move(made).value();
    return true;
  }

  void drive(const std::function<void(std::uint64_t)>& between = nullptr) {
    std::uint64_t round = 0;
    for (; round < kRoundsMax && !job->progress().finished; ++round) {
      if (between != nullptr) between(round);
      job->poll();
    }
    if (!job->progress().finished) {
      violate("the job hangs: " + std::to_string(round) + " rounds\n" + job->ledger().to_text());
      job->stop();
    }
    if (auto result = job->wait(); !result.has_value()) {
      report.error = result.error().to_string();
      error_code = result.error().code();
    }
    ledger = job->ledger();
    report.trace_hash = world.trace_hash();
    for (const LedgerEntry& entry : ledger.entries) {
      if (entry.ledger.imbalance(entry.held) == 0) continue;
      violate("the ledger is open at " + entry.fragment + ", " + entry.operator_name + "\n" + ledger.to_text());
    }
    if (!ledger.open_edges.empty()) violate("an edge is open\n" + ledger.to_text());
  }

  /// The error, if there is one, must be that of a fault that was drawn and name a file.
  void judge_error(std::string_view scenario) {
    if (report.error.empty()) return cover(std::string(scenario) + ": ended well");
    cover(std::string(scenario) + ": " + std::string(error_code_name(error_code)));
    const bool drawn = (error_code == ErrorCode::kIo && (faults.read_error > 0 || faults.write_error > 0)) ||
                       (error_code == ErrorCode::kDiskFull &&
                        (faults.disk_bytes_max != ~std::uint64_t{0} || faults.rename_full > 0)) ||
                       (error_code == ErrorCode::kNotFound && faults.file_vanishes > 0);
    const bool named = report.error.find("/in") != std::string::npos || report.error.find("/out") != std::string::npos;
    if (!drawn || !named) violate("an error that no drawn fault explains: " + report.error);
  }

  void expect(const char* what, std::uint64_t is, std::uint64_t should_be) {
    if (is == should_be) return;
    violate(std::string(what) + " is " + std::to_string(is) + ", not " + std::to_string(should_be) + "\n" +
            ledger.to_text());
  }
  void expect_lines(const std::vector<std::string>& right) {
    const std::vector<std::string> lines = sorted_lines(report.output);
    if (lines == right) return;
    const auto [is, should_be] = std::mismatch(lines.begin(), lines.end(), right.begin(), right.end());
    violate("the answer is wrong: " + std::to_string(lines.size()) + " rows, not " + std::to_string(right.size()) +
            "; first difference: '" + (is == lines.end() ? "" : *is) + "', not '" +
            (should_be == right.end() ? "" : *should_be) + "'");
  }

  /// What stands under a folder of the world, file by file.
  std::string read_folder(const std::string& folder) {
    BackendConfig config;
    config.clock = &clock;
    auto backend = make_sim_backend(world, config);
    std::string all;
    if (!backend.has_value()) return all;
    auto names = (*backend)->list(folder);
    if (!names.has_value()) return all;
    for (const std::string& name : *names) {
      if (auto bytes = world.read_file(folder + "/" + name); bytes.has_value()) all += *bytes;
    }
    return all;
  }

  Random random;
  ManualClock clock;
  SimWorld world;
  SimFaults faults;
  JobOptions options;
  std::unique_ptr<Job> job;
  JobLedger ledger;
  ErrorCode error_code{};
  Report report;
};

constexpr const char* kTumble =
    " FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;";

std::string file_tables(const std::string& path, std::int64_t delay_ms, std::uint64_t buffer_bytes) {
  return "CREATE TABLE t (ms BIGINT, k STRING, v BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - "
         "INTERVAL '" +
         std::to_string(delay_ms / 1000) + "' SECOND) WITH ('connector' = 'filesystem', 'path' = '" + path +
         "', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true', 'weir.buffer-bytes' = '" +
         std::to_string(buffer_bytes) +
         "');\n"
         "CREATE TABLE o (k STRING, s TIMESTAMP(3), n BIGINT, total BIGINT, least BIGINT, most BIGINT) WITH "
         "('connector' = 'filesystem', 'path' = '/out', 'format' = 'csv', 'sink.full-disk-timeout' = '2 s', "
         "'weir.buffer-bytes' = '" +
         std::to_string(buffer_bytes) +
         "');\n"
         "INSERT INTO o SELECT k, window_start, COUNT(*), SUM(v), MIN(v), MAX(v)" +
         kTumble;
}

/// csv files → tumble → files.
Report run_files(std::uint64_t seed, std::uint32_t files, std::string_view name) {
  Run run(seed);
  const std::int64_t delay_ms = static_cast<std::int64_t>(run.random.below(4)) * 1000;
  const std::uint64_t rows = run.random.below(3000), keys = 1 + run.random.below(40);
  const std::int64_t disorder_ms = static_cast<std::int64_t>(run.random.below(15'000)) + 1;
  const double bad = run.chance(0.5) ? 0.02 : 0;
  run.note("rows", rows);
  run.note("keys", keys);
  run.note("disorder_ms", static_cast<std::uint64_t>(disorder_ms));
  Oracle oracle(delay_ms);
  std::uint64_t malformed = 0, records = 0;
  for (std::uint32_t file = 0; file < files; ++file) {
    oracle.begin_input();
    std::string bytes;
    std::int64_t now = static_cast<std::int64_t>(run.random.below(5000)) - 2000;
    const std::uint64_t file_rows = run.random.below(8) == 0 ? 0 : rows;
    for (std::uint64_t i = 0; i < file_rows; ++i, ++records) {
      if (run.chance(bad)) {
        bytes += "oops,\n";
        ++malformed;
        continue;
      }
      now += static_cast<std::int64_t>(run.random.below(60));
      std::string key = "key" + std::to_string(run.random.below(keys));
      if (run.chance(0.1)) key += " with more than twelve bytes";
      const Row row{now - static_cast<std::int64_t>(run.random.below(static_cast<std::uint64_t>(disorder_ms))), key,
                    static_cast<std::int64_t>(run.random.below(2000)) - 1000};
      bytes += std::to_string(row.ms) + "," + row.key + "," + std::to_string(row.value) + "\n";
      oracle.take(row);
    }
    if (run.chance(0.3) && !bytes.empty()) bytes.pop_back();  // a last record without a line end
    run.world.write_file("/in/" + std::to_string(file) + ".csv", bytes);
  }
  const std::vector<std::string> right = oracle.lines();
  run.draw_harmless_faults();
  run.draw_disk_faults(right.size() * 45);
  const std::uint64_t buffer_bytes = run.chance(0.5) ? 4096 : 262144;
  run.note("buffer_bytes", buffer_bytes);
  if (!run.make(file_tables(files == 1 ? "/in/0.csv" : "/in", delay_ms, buffer_bytes))) return run.report;
  run.drive();
  run.report.output = run.read_folder("/out");
  run.judge_error(name);
  if (run.report.error.empty()) {
    run.expect_lines(right);
    run.expect("records read", run.ledger.records_read, records);
    run.expect("malformed", run.ledger.malformed, malformed);
    run.expect("late", run.ledger.late, oracle.late);
    run.expect("rows written", run.ledger.rows_written, right.size());
    if (oracle.late != 0) run.cover(std::string(name) + ": late rows");
    if (malformed != 0) run.cover(std::string(name) + ": malformed rows");
  }
  return run.report;
}

Report run_file(std::uint64_t seed) {
  return run_files(seed, 1, "file");
}
Report run_folder(std::uint64_t seed) {
  return run_files(seed, 3, "folder");
}

/// Peer p's i-th row. Times rise, so that a peer's rows that arrived, a prefix, have one answer.
Row peer_row(std::size_t peer, std::uint64_t i) {
  return {static_cast<std::int64_t>(i) * 37, "p" + std::to_string(peer), static_cast<std::int64_t>(i)};
}

struct Peer {
  SimPeer connection;
  std::string left;
  std::uint64_t rows = 0;
  std::uint64_t reset_at = ~std::uint64_t{0};  // bytes left
};

void play(Peer& peer, Run& run, std::uint16_t port) {
  if (!peer.connection.valid()) {
    if (run.chance(0.1)) peer.connection = run.world.connect_peer(port);
    return;
  }
  if (peer.connection.was_reset()) return;
  if (peer.left.size() <= peer.reset_at && peer.reset_at != ~std::uint64_t{0}) return peer.connection.reset();
  if (peer.left.empty()) return peer.connection.shutdown_send();
  const std::size_t piece = 1 + run.random.below(run.chance(0.2) ? 20'000 : 300);
  peer.left.erase(0, peer.connection.send(std::string_view(peer.left).substr(0, piece)));
}

/// How many rows of each peer the answer holds: they must be a prefix of what the peer sent.
std::map<std::string, std::uint64_t> prefixes(const std::string& output) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& line : sorted_lines(output)) {
    std::istringstream fields(line);
    std::string key, start, count;
    std::getline(fields, key, ',');
    std::getline(fields, start, ',');
    std::getline(fields, count, ',');
    counts[key] += std::strtoull(count.c_str(), nullptr, 10);
  }
  return counts;
}

/// TCP peers → tumble → standard output, ended by the peers or by a drain.
Report run_peers(std::uint64_t seed) {
  constexpr std::uint16_t kPort = 7000;
  Run run(seed);
  run.draw_harmless_faults();
  const bool resets = run.chance(0.4), drains = run.chance(0.4);
  if (resets && run.chance(0.5)) run.faults.connection_reset = 0.01;
  std::vector<Peer> peers(1 + run.random.below(4));
  for (std::size_t p = 0; p < peers.size(); ++p) {
    peers[p].rows = run.random.below(1500);
    for (std::uint64_t i = 0; i < peers[p].rows; ++i) {
      const Row row = peer_row(p, i);
      peers[p].left +=
          "{\"ms\":" + std::to_string(row.ms) + ",\"k\":\"" + row.key + "\",\"v\":" + std::to_string(row.value) + "}\n";
    }
    if (resets && run.chance(0.5)) peers[p].reset_at = run.random.below(peers[p].left.size() + 1);
  }
  const std::uint64_t drain_at = drains ? run.random.below(3000) : ~std::uint64_t{0};
  run.note("peers", peers.size());
  run.note("resets", resets);
  if (drains) run.note("drain_at", drain_at);
  const std::string sql =
      "CREATE TABLE t (ms BIGINT, k STRING, v BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL "
      "'1' DAY) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:" +
      std::to_string(kPort) + "', 'format' = 'json', 'connections-until-end' = '" + std::to_string(peers.size()) +
      "', 'connections-max' = '" + std::to_string(1 + run.random.below(4)) +
      "');\n"
      "CREATE TABLE o (k STRING, s TIMESTAMP(3), n BIGINT, total BIGINT, least BIGINT, most BIGINT) WITH ('connector' "
      "= 'filesystem', 'path' = '-', 'format' = 'csv');\n"
      "INSERT INTO o SELECT k, window_start, COUNT(*), SUM(v), MIN(v), MAX(v)" +
      std::string(kTumble);
  if (!run.make(sql)) return run.report;
  run.drive([&](std::uint64_t round) {
    if (round == drain_at) run.job->drain();
    for (Peer& peer : peers) play(peer, run, kPort);
  });
  run.report.output = run.world.standard_output();
  if (!run.report.error.empty()) {
    run.violate("no fault of a peer may end the job: " + run.report.error);
    return run.report;
  }
  std::map<std::string, std::uint64_t> got = prefixes(run.report.output);
  Oracle oracle(86'400'000);
  std::uint64_t rows = 0, cut = 0;
  for (std::size_t p = 0; p < peers.size(); ++p) {
    const std::uint64_t count = got["p" + std::to_string(p)];
    rows += count;
    const bool whole = count == peers[p].rows;
    cut += whole ? 0 : 1;
    if (!whole && !resets && drain_at == ~std::uint64_t{0}) {
      run.violate("peer " + std::to_string(p) + " sent " + std::to_string(peers[p].rows) + " rows, " +
                  std::to_string(count) + " came through, and nothing was cut");
    }
    if (count > peers[p].rows) run.violate("more rows of a peer than it sent");
    for (std::uint64_t i = 0; i < count; ++i) oracle.take(peer_row(p, i));
  }
  run.expect_lines(oracle.lines());
  run.expect("records read", run.ledger.records_read, rows + run.ledger.malformed);
  run.expect("late", run.ledger.late, 0);
  if (run.ledger.malformed > peers.size()) run.violate("more cut records than peers\n" + run.ledger.to_text());
  run.cover(std::string("peers: ") + (cut == 0 ? "all rows" : "cut") + (drains ? ", drained" : "") +
            (resets ? ", resets" : ""));
  if (run.ledger.malformed != 0) run.cover("peers: a record was cut");
  return run.report;
}

constexpr Scenario kScenarios[] = {{"file", run_file}, {"peers", run_peers}, {"folder", run_folder}};

}  // namespace

std::span<const Scenario> all_scenarios() {
  return kScenarios;
}

}  // namespace weir::test
