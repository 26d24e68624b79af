// Running jobs with a bound (job_run.h).
#include "engine/job_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHangNs = 60'000'000'000;

/// A recognizer by recursive descent; depth is bounded by the inputs of tests.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}
  bool whole() {
    skip();
    if (!value()) return false;
    skip();
    return at_ == text_.size();
  }

 private:
  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ >= text_.size() || std::string_view("\"\\/bfnrtu").find(text_[at_]) == std::string_view::npos)
          return false;
      }
      ++at_;
    }
    return at_++ < text_.size();
  }
  bool number() {
    const std::size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    const auto digits = [this] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ != from;
    };
    if (!digits()) return false;
    if (at_ < text_.size() && text_[at_] == '.' && (++at_, !digits())) return false;
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (!digits()) return false;
    }
    return at_ != start;
  }
  bool list(char end, bool pairs) {
    ++at_;
    if (take(end)) return true;
    do {
      skip();
      if (pairs && (!string() || !take(':'))) return false;
      skip();
      if (!value()) return false;
    } while (take(','));
    return take(end);
  }
  bool value() {
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return list('}', true);
      case '[':
        return list(']', false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Folder::Folder() {
  static std::atomic<int> count{0};
  path_ = (fs::temp_directory_path() / ("weir-engine-" + std::to_string(::getpid()) + "-" + std::to_string(count++)))
              .string();
  fs::remove_all(path_);
  fs::create_directories(path_);
}
Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}
std::string Folder::path(std::string_view name) const {
  return name.empty() ? path_ : path_ + "/" + std::string(name);
}
std::string Folder::put(std::string_view name, std::string_view bytes) const {
  const std::string file = path(name);
  fs::create_directories(fs::path(file).parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

JobOptions small_options() {
  JobOptions options;
  options.pin = false;
  options.record_bytes_max = 4096;
  options.state_bytes_max = 64u << 20;
  return options;
}

Outcome finish(Job& job, bool threads, std::uint64_t polls_max, const std::function<void(std::uint64_t)>& between) {
  Outcome outcome;
  outcome.made = true;
  if (threads) {
    if (auto started = job.start(); !started.has_value()) outcome.error.emplace(std::move(started).error());
    outcome.ended = job.wait_for(kHangNs);
  } else {
    for (std::uint64_t poll = 0; poll < polls_max && !job.progress().finished; ++poll) {
      if (between != nullptr) between(poll);
      job.poll();
    }
    outcome.ended = job.progress().finished;
  }
  EXPECT_TRUE(outcome.ended) << "the job hangs";
  if (!outcome.ended) {
    job.stop();
    job.wait_for(kHangNs);
  }
  if (auto result = job.wait(); !result.has_value() && !outcome.error.has_value()) {
    outcome.error.emplace(std::move(result).error());
  }
  outcome.ledger = job.ledger();
  return outcome;
}

Outcome run_sql(std::string_view sql, JobOptions options, std::uint64_t polls_max) {
  const bool threads = options.threads && options.world == nullptr;
  auto job = make_job(sql, std::move(options), "job.sql");
  if (!job.has_value()) {
    Outcome outcome;
    outcome.ended = true;
    outcome.error.emplace(std::move(job).error());
    return outcome;
  }
  return finish(**job, threads, polls_max);
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void expect_closed(const JobLedger& ledger) {
  EXPECT_EQ(ledger.imbalance, 0) << ledger.to_text();
  EXPECT_TRUE(ledger.open_edges.empty()) << ledger.to_text();
  std::int64_t open = 0;
  for (const LedgerEntry& entry : ledger.entries) open += std::abs(entry.ledger.imbalance(entry.held));
  EXPECT_EQ(open, 0) << "operators that are open in opposite directions\n" << ledger.to_text();
}

void expect_error(const Outcome& outcome, ErrorCode code, const std::vector<std::string>& parts) {
  EXPECT_TRUE(outcome.ended);
  ASSERT_TRUE(outcome.error.has_value()) << "the job ended well";
  EXPECT_EQ(error_code_name(outcome.code()), error_code_name(code)) << outcome.text();
  for (const std::string& part : parts) {
    EXPECT_NE(outcome.text().find(part), std::string::npos) << "no '" << part << "' in: " << outcome.text();
  }
  expect_closed(outcome.ledger);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> read_parts(const std::string& folder) {
  std::vector<std::string> rows;
  if (!fs::exists(folder)) return rows;
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(entry.path().filename().string().starts_with("part-")) << entry.path() << " is no finished part";
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) rows.push_back(line);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::string csv_table(std::string_view name, std::string_view columns, std::string_view path, std::string_view more) {
  std::string text = "CREATE TABLE " + std::string(name) + " (" + std::string(columns) +
                     ") WITH ('connector' = 'filesystem', 'path' = '" + std::string(path) + "', 'format' = 'csv'";
  if (!more.empty()) text += ", " + std::string(more);
  return text + ");\n";
}

bool is_json(std::string_view text) {
  return JsonReader(text).whole();
}

}  // namespace weir::test
