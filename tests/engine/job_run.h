// Runs a job to its end in this process, bounded, and keeps everything that a test asks about: the error, the ledger,
// the rows.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/clock.h"
#include "weir/io/sim.h"
#include "weir/weir.h"

namespace weir::test {

/// A folder of its own, gone at its end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(std::string_view name = {}) const;
  /// Writes a file and returns its path.
  std::string put(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

/// Small jobs: no pinning, little memory.
JobOptions small_options();

struct Outcome {
  bool made = false;   ///< make_job succeeded.
  bool ended = false;  ///< It ended within the bound; false is a hang.
  std::optional<Error> error;
  JobLedger ledger;
  bool ok() const { return ended && !error.has_value(); }
  ErrorCode code() const { return error.has_value() ? error->code() : ErrorCode{}; }
  std::string text() const { return error.has_value() ? error->to_string() : std::string(); }
};

/// Makes the job and runs it to its end: on threads for at most a minute, without them for at most that many polls.
Outcome run_sql(std::string_view sql, JobOptions options, std::uint64_t polls_max = 2'000'000);
/// Runs a job that was made; `between` is called between polls (no threads).
Outcome finish(Job& job, bool threads, std::uint64_t polls_max = 2'000'000,
               const std::function<void(std::uint64_t)>& between = nullptr);

/// Memory that this process has now.
std::size_t resident_bytes();

/// imbalance 0 and every edge closed.
void expect_closed(const JobLedger& ledger);
/// The error has the code and every one of the parts.
void expect_error(const Outcome& outcome, ErrorCode code, const std::vector<std::string>& parts);

/// Lines of every part file of a folder, sorted; files that are not finished parts fail the test.
std::vector<std::string> read_parts(const std::string& folder);
/// The same of a simulated world, which has no listing: of the files under `folder` that a job wrote.
std::vector<std::string> lines_of(std::string_view text);

/// "CREATE TABLE name (columns) WITH ('connector' = 'filesystem', 'path' = …, 'format' = 'csv' more)"
std::string csv_table(std::string_view name, std::string_view columns, std::string_view path,
                      std::string_view more = {});

/// JSON as RFC 8259 has it, nothing else.
bool is_json(std::string_view text);

}  // namespace weir::test
