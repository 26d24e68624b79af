// Sketches over several inputs: the same bits for every number of shards, batch size, keyed plan and run, since each
// input's rows are sketched for themselves; and right within their bounds.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr int kInputs = 5;

/// Five files of (k, v, ms); values by key and ten seconds, for the bounds.
struct Inputs {
  Folder folder;
  std::map<std::pair<std::string, std::int64_t>, std::vector<std::int64_t>> windows;

  Inputs() {
    std::mt19937 random(7);
    for (int file = 0; file < kInputs; ++file) {
      std::string text;
      for (std::int64_t i = 0; i < 6000; ++i) {
        const std::string key = random() % 3 == 0 ? "a" : "b";
        const std::int64_t value = static_cast<std::int64_t>(random() % (1u << (2 + random() % 14)));
        const std::int64_t ms = 5 * i + file;
        text += key + "," + std::to_string(value) + "," + std::to_string(ms) + "\n";
        windows[{key, ms / 10'000}].push_back(value);
      }
      folder.put("in" + std::to_string(file) + ".csv", text);
    }
    for (auto& [window, values] : windows) std::sort(values.begin(), values.end());
  }

  std::vector<std::string> run(const std::string& calls, const std::string& window, const JobOptions& options) const {
    const Folder out;
    const std::string sql =
        csv_table("t",
                  "k STRING, v BIGINT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - "
                  "INTERVAL '1' SECOND",
                  folder.path()) +
        ";\n" + csv_table("o", "k STRING, s TIMESTAMP(3), x STRING", out.path("out"), "'csv.field-delimiter' = ';'") +
        ";\nINSERT INTO o SELECT k, window_start, CAST(" + calls + " AS STRING) FROM TABLE(" + window +
        ") GROUP BY k, window_start, window_end;";
    const Outcome outcome = run_sql(sql, options);
    EXPECT_TRUE(outcome.ok()) << outcome.text() << sql;
    expect_closed(outcome.ledger);
    return read_parts(out.path("out"));
  }
};

JobOptions layout(std::uint32_t shards, std::uint32_t batch_rows, KeyedPlan plan) {
  JobOptions options = small_options();
  options.shards = shards;
  options.batch_rows = batch_rows;
  options.keyed_plan = plan;
  options.heap_bytes = std::size_t{64} << 10;
  return options;
}

TEST(SketchInputs, rank_sketches_give_the_same_bits_whatever_the_layout) {
  const Inputs in;
  for (const std::string window : {"TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
                                   "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)"}) {
    for (const char* call : {"APPROX_PERCENTILE(v, 0.9, 'kll', 50)", "APPROX_PERCENTILE(v, 0.9, 'tdigest', 20)",
                             "APPROX_TOP_K(v, 3, 16)"}) {
      SCOPED_TRACE(window + " " + call);
      const std::vector<std::string> first = in.run(call, window, layout(1, 1024, KeyedPlan::kAuto));
      EXPECT_EQ(first.size(), window[0] == 'T' ? 6u : 12u);
      for (const std::uint32_t shards : {2u, 3u, 5u}) {
        for (const KeyedPlan plan : {KeyedPlan::kAuto, KeyedPlan::kShuffle}) {
          EXPECT_EQ(in.run(call, window, layout(shards, shards == 3 ? 7 : 1024, plan)), first) << shards << " shards";
        }
      }
    }
  }
}

TEST(SketchInputs, beside_what_grows_with_its_values_rows_are_shuffled_as_before) {
  const Inputs in;
  const std::string call =
      "COUNT(DISTINCT v * 20000 + ms % 20000) + CAST(APPROX_PERCENTILE(v, 0.9, 'kll') AS BIGINT) * 0";
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
  const std::vector<std::string> first = in.run(call, window, layout(1, 1024, KeyedPlan::kAuto));
  EXPECT_EQ(first.size(), 6u);
  EXPECT_EQ(in.run(call, window, layout(3, 1024, KeyedPlan::kAuto)), first) << "the set fits no partial";
}

TEST(SketchInputs, what_several_inputs_make_together_keeps_its_bound) {
  const Inputs in;
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
  std::size_t looked_at = 0;
  for (const std::string& line : in.run("APPROX_PERCENTILE(v, 0.5, 'kll')", window, layout(3, 64, KeyedPlan::kAuto))) {
    const std::size_t second = line.find(';', 2);
    const std::vector<std::int64_t>& values =
        in.windows.at({line.substr(0, 1), std::stoll(line.substr(second - 2, 2)) / 10});
    const double given = std::stod(line.substr(second + 1));
    const auto below = std::lower_bound(values.begin(), values.end(), given) - values.begin();
    const auto upto = std::upper_bound(values.begin(), values.end(), given) - values.begin();
    const double rank = 0.5 * static_cast<double>(values.size() - 1);
    const double bound = 0.0165 * 1.5 * static_cast<double>(values.size());
    EXPECT_LE(static_cast<double>(below) - rank, bound) << line;
    EXPECT_GE(static_cast<double>(upto) - rank, -bound) << line;
    ++looked_at;
  }
  EXPECT_EQ(looked_at, 6u);
}

}  // namespace
}  // namespace weir::test
