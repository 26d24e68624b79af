// Same input, same job, same answer: every *.test file under every number of shards, batch size, ring size, SIMD
// target, io backend and keyed plan, against one golden; and the ledger closes each time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sql/case_file.h"
#include "weir/core/clock.h"
#include "weir/io/sim.h"
#include "weir/weir.h"

namespace weir::test {
namespace {

namespace fs = std::filesystem;

enum class Backend { kUring, kEpoll, kSim };

struct Configuration {
  std::uint32_t shards;
  std::uint32_t batch_rows;
  std::uint32_t ring_batches;
  SimdKind simd;
  Backend backend;
  KeyedPlan keyed_plan;
};

std::string text_of(const Configuration& c) {
  constexpr const char* kBackends[] = {"uring", "epoll", "sim"};
  constexpr const char* kPlans[] = {"auto", "local", "shuffle"};
  return "--shards " + std::to_string(c.shards) + " --batch-rows " + std::to_string(c.batch_rows) + " --ring-batches " +
         std::to_string(c.ring_batches) + " --simd " + (c.simd == SimdKind::kScalar ? "scalar" : "best") +
         " --backend " + kBackends[static_cast<int>(c.backend)] + " --keyed-plan " +
         kPlans[static_cast<int>(c.keyed_plan)];
}

bool uring_is_there() {
  static const bool there = [] {
    SystemClock clock;
    BackendConfig config;
    config.clock = &clock;
    return make_backend(BackendKind::kUring, config).has_value();
  }();
  return there;
}

// Under sanitizers every fifth: 5 has no factor of 216, so each value of each setting comes again and again.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStep = 5;
#else
constexpr std::size_t kStep = 1;
#endif

std::vector<Configuration> every_configuration(bool one_shard) {
  std::vector<Configuration> all;
  for (std::uint32_t shards : {1u, 2u, 4u}) {
    if (one_shard && shards > 1) continue;
    for (std::uint32_t batch_rows : {1u, 7u, 1024u}) {
      for (std::uint32_t ring : {1u, 16u}) {
        for (SimdKind simd : {SimdKind::kScalar, SimdKind::kBest}) {
          for (Backend backend : {Backend::kUring, Backend::kEpoll, Backend::kSim}) {
            if (backend == Backend::kUring && !uring_is_there()) continue;
            for (KeyedPlan plan : {KeyedPlan::kLocalMerge, KeyedPlan::kShuffle}) {
              all.push_back({shards, batch_rows, ring, simd, backend, plan});
            }
          }
        }
      }
    }
  }
  return all;
}

/// A folder of its own for each test, gone at its end.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(fs::temp_directory_path() / ("weir-sql-" + std::to_string(::getpid()) + "-" + name)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string text() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::vector<std::string> read_parts(const std::string& folder) {
  std::vector<std::string> rows;
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(entry.path().filename().string().starts_with("part-")) << entry.path() << " is no finished part";
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) rows.push_back(line);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

struct Outcome {
  std::vector<std::string> rows;
  JobLedger ledger;
  std::string error;
};

Outcome run(const CaseFile& test, const std::string& folder, const Configuration& c) {
  const std::string out = folder + "/out";
  fs::remove_all(out);
  fs::create_directories(out);
  ManualClock clock;
  SimWorld world(clock, 42);
  JobOptions options;
  options.shards = c.shards;
  options.batch_rows = c.batch_rows;
  options.ring_batches = c.ring_batches;
  options.simd = c.simd;
  options.keyed_plan = c.keyed_plan;
  options.pin = false;
  options.record_bytes_max = 4096;
  options.state_bytes_max = 64u << 20;
  options.backend = c.backend == Backend::kUring ? BackendKind::kUring : BackendKind::kEpoll;
  if (c.backend == Backend::kSim) {
    SimFaults faults;
    faults.short_read = 0.2;
    faults.short_write = 0.2;
    world.set_faults(faults);
    world.allow_host_files(true);
    options.world = &world;
  }
  Outcome outcome;
  std::string sql = replace_all(test.sql, "$DIR", folder);
  sql = replace_all(sql, "$DATA", std::string(WEIR_SOURCE_DIR) + "/tests/data");
  sql = replace_all(sql, "$OUT", out);
  auto job = make_job(sql, options, test.name + ".test");
  if (!job.has_value()) {
    outcome.error = job.error().to_string();
    return outcome;
  }
  auto result = (*job)->run();
  if (!result.has_value()) outcome.error = result.error().to_string();
  outcome.ledger = (*job)->ledger();
  if (outcome.error.empty()) outcome.rows = read_parts(out);
  return outcome;
}

void expect_ledger(const CaseFile& test, const JobLedger& ledger) {
  EXPECT_EQ(ledger.imbalance, 0) << ledger.to_text();
  EXPECT_TRUE(ledger.open_edges.empty()) << ledger.to_text();
  const std::map<std::string, std::uint64_t> counts = {
      {"read", ledger.records_read},       {"written", ledger.rows_written},
      {"filtered", ledger.filtered},       {"late", ledger.late},
      {"malformed", ledger.malformed},     {"dropped", ledger.dropped},
      {"side_output", ledger.side_output}, {"dead_lettered", ledger.dead_lettered}};
  for (const auto& [name, count] : test.ledger) EXPECT_EQ(counts.at(name), count) << name << "\n" << ledger.to_text();
}

class SameAnswer : public testing::TestWithParam<std::string> {};

TEST_P(SameAnswer, whatever_the_configuration) {
  const CaseFile test = read_case(GetParam());
  if (testing::Test::HasFailure()) return;
  const Folder folder(test.name);
  for (const auto& [name, text] : test.files) {
    fs::create_directories(fs::path(folder.text() + "/" + name).parent_path());
    std::ofstream(folder.text() + "/" + name) << text;
  }
  std::vector<std::string> golden;
  if (!test.oracle.empty()) golden = ask_sqlite(test);
  if (test.rows.has_value()) {
    std::vector<std::string> written = *test.rows;
    std::sort(written.begin(), written.end());
    if (!test.oracle.empty()) {
      std::sort(golden.begin(), golden.end());
      EXPECT_EQ(written, golden) << "the rows of the file are not those of the oracle";
    }
    golden = written;
  }
  std::sort(golden.begin(), golden.end());
  ASSERT_EQ(golden.empty(), !test.error.empty()) << "a case wants rows or an error";
  const std::vector<Configuration> configurations = every_configuration(test.shards_only_one);
  for (std::size_t i = test.name.size() % kStep; i < configurations.size(); i += kStep) {
    const Configuration& c = configurations[i];
    SCOPED_TRACE(text_of(c));
    const Outcome outcome = run(test, folder.text(), c);
    if (test.error.empty()) {
      EXPECT_EQ(outcome.error, "");
      EXPECT_EQ(outcome.rows, golden);
      expect_ledger(test, outcome.ledger);
    } else {
      EXPECT_NE(outcome.error.find(test.error), std::string::npos) << outcome.error;
    }
    if (testing::Test::HasFailure()) return;  // one configuration's report is enough
  }
}

std::vector<std::string> all_cases() {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(std::string(WEIR_SOURCE_DIR) + "/tests/sql")) {
    if (entry.path().extension() == ".test") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

INSTANTIATE_TEST_SUITE_P(Cases, SameAnswer, testing::ValuesIn(all_cases()),
                         [](const auto& parameter) { return fs::path(parameter.param).stem().string(); });

}  // namespace
}  // namespace weir::test
