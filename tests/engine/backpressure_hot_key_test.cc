// Backpressure of keyed jobs on sockets of this machine: nine rows of ten have one key, a shard stands still over that
// key or the reader of the results does, and the sender blocks until it goes on.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

#include "engine/socket_pressure.h"
#include "weir/pipeline/function_catalogue.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kHotKey = 9;  // lives on the second shard of two
constexpr std::uint64_t kRowsOfAWindow = 10;

/// One row of a window has a key that is rare, the others have the hot one.
std::uint64_t key_of(std::uint64_t n) {
  return n % kRowsOfAWindow != 0 ? kHotKey : 100 + n % 1000;
}

/// A host's function in a query that a shard stands still in, once it is asked for the hot key.
class Latch {
 public:
  std::int64_t pass(std::int64_t key) {
    if (key != static_cast<std::int64_t>(kHotKey)) return key;
    held_ = std::this_thread::get_id();
    reached_.store(true);
    open_.wait(false);
    return key;
  }
  void open() {
    open_.store(true);
    open_.notify_all();
  }
  bool reached() const noexcept { return reached_.load(); }
  /// Requires: reached().
  std::thread::id held() const { return held_; }

 private:
  std::atomic<bool> open_{false}, reached_{false};
  std::thread::id held_;
};

class HotKeyBackpressure : public SocketBackpressure {
 protected:
  HotKeyBackpressure() {
    sent_ = RowStream([](std::uint64_t n) {
      return std::to_string(n * 100) + "," + std::to_string(key_of(n)) + "\n";  // ten rows a second
    });
  }
  /// A shard that stands still would not end.
  void TearDown() override { latch_.open(); }

  /// Rows by TCP into windows of a second by key, their results to a subscriber. `pass` is put around the key of a
  /// result.
  void make_windows(KeyedPlan keyed_plan, const std::string& pass) {
    JobOptions options = small_options();
    options.keyed_plan = keyed_plan;
    const auto functions = std::make_shared<FunctionCatalogue>();
    const auto latch = [this](std::int64_t key) { return latch_.pass(key); };
    const auto seen = [this](std::int64_t key) {
      source_ = std::this_thread::get_id();
      return key;
    };
    ASSERT_TRUE(functions->add_function("pass_latch", latch).has_value());
    ASSERT_TRUE(functions->add_function("seen", seen).has_value());
    options.functions = functions;
    make(
        "CREATE TABLE t (ms BIGINT, k BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' "
        "= 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'csv', 'connections-until-end' = '1');\n"
        "CREATE TABLE o (k BIGINT, n BIGINT, first BIGINT) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', "
        "'format' = 'csv', 'ring-bytes' = '65536', 'close-timeout' = '0', 'wait-for-subscribers' = '1');\n"
        "INSERT INTO o SELECT " +
            pass +
            ", COUNT(*), MIN(ms) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) WHERE seen(k) > 0 "
            "GROUP BY k, window_start, window_end;",
        std::move(options));
    if (HasFatalFailure()) return;
    reader_ = connect("o");
    sender_ = connect("t");
  }
  void read() {
    char bytes[1 << 16];
    for (ssize_t count = 1; count > 0 && !reader_ended_;) {
      count = ::recv(reader_.fd(), bytes, sizeof bytes, 0);
      reader_ended_ = count == 0;
      if (count > 0) got_.append(bytes, static_cast<std::size_t>(count));
    }
  }
  /// Everything goes on, and each window of each key came once, with all its rows.
  void expect_every_window() {
    run_to_the_end([this] { read(); });
    if (HasFatalFailure()) return;
    EXPECT_TRUE(turn_until([this] { return (read(), reader_ended_); }));
    std::map<std::array<std::uint64_t, 2>, std::array<std::uint64_t, 2>> expected;  // window, key → rows, first ms
    for (std::uint64_t n = 0; n < sent_.rows_taken(); ++n) {
      const auto group = expected.try_emplace({n / kRowsOfAWindow, key_of(n)}, std::array{std::uint64_t{0}, n * 100});
      ++group.first->second[0];
    }
    EXPECT_EQ(ledger_.rows_written, expected.size());
    for (const std::string& line : lines_of(got_)) {
      std::array<std::uint64_t, 3> result{};  // key, rows, first ms
      ASSERT_EQ(std::sscanf(line.c_str(), "%lu,%lu,%lu", &result[0], &result[1], &result[2]), 3) << line;
      const auto group = expected.find({result[2] / 1000, result[0]});
      ASSERT_NE(group, expected.end()) << "twice, or never due: " << line;
      EXPECT_EQ(group->second, (std::array{result[1], result[2]})) << line;
      expected.erase(group);
    }
    EXPECT_EQ(expected.size(), 0u) << "windows that did not come";
  }
  Latch latch_;
  std::atomic<std::thread::id> source_;  // of the shard that reads
  Socket reader_;
  std::string got_;
  bool reader_ended_ = false;
};
INSTANTIATE_TEST_SUITE_P(Backends, HotKeyBackpressure,
                         testing::Combine(testing::Values(BackendKind::kAuto, BackendKind::kEpoll), testing::Bool()),
                         backend_and_threads);

TEST_P(HotKeyBackpressure, a_frozen_reader_of_a_hot_keys_windows_blocks_the_sender_and_gets_every_window) {
  make_windows(KeyedPlan::kLocalMerge, "k");
  ASSERT_FALSE(HasFatalFailure());
  freeze("o: a subscriber is slow");
  ASSERT_FALSE(HasFatalFailure());
  expect_every_window();
}

TEST_P(HotKeyBackpressure, a_frozen_reader_blocks_the_sender_where_every_row_of_a_hot_key_is_exchanged) {
  make_windows(KeyedPlan::kShuffle, "k");
  ASSERT_FALSE(HasFatalFailure());
  freeze("o: a subscriber is slow");
  ASSERT_FALSE(HasFatalFailure());
  expect_every_window();
}

/// With threads alone: without them a function that stands still is the host standing still.
class SlowShard : public HotKeyBackpressure {
 protected:
  /// The shard on which the results of the hot key are made stands still; not the one that reads.
  void expect_a_slow_shard_to_block_the_sender(KeyedPlan keyed_plan) {
    make_windows(keyed_plan, "pass_latch(k)");
    ASSERT_FALSE(HasFatalFailure());
    freeze_while([this] { return latch_.reached(); });
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_NE(latch_.held(), source_.load()) << "the hot key is to live on the shard that does not read";
    EXPECT_EQ(std::count(got_.begin(), got_.end(), '\n'), 0);
    latch_.open();
    expect_every_window();
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, SlowShard,
                         testing::Combine(testing::Values(BackendKind::kAuto, BackendKind::kEpoll),
                                          testing::Values(true)),
                         backend_and_threads);

TEST_P(SlowShard, that_stands_still_over_partials_of_a_hot_key_blocks_the_sender_and_loses_nothing) {
  expect_a_slow_shard_to_block_the_sender(KeyedPlan::kLocalMerge);
}

TEST_P(SlowShard, that_stands_still_over_rows_of_a_hot_key_blocks_the_sender_and_loses_nothing) {
  expect_a_slow_shard_to_block_the_sender(KeyedPlan::kShuffle);
}

}  // namespace
}  // namespace weir::test
