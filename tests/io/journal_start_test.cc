// Journals read from a time on, through every backend: what is left out at the front is whole frames of earlier rows,
// and nothing else is.
#include "io/connector_fixture.h"

namespace weir {
namespace {

class JournalStartTest : public ConnectorTest {
 protected:
  /// A journal of rows 0 … count-1, each at as many nanoseconds, 16 a frame. Returns its path.
  std::string record(std::int64_t count, Options options = {{"journal.time-column", "n"}}) {
    options.insert({{"connector", "filesystem"}, {"path", world_->path("out")}, {"format", "journal"}});
    open_writer(std::move(options));
    std::int64_t next = 0;
    EXPECT_TRUE(drive([&] { return (next = write(next, count, "text")) == count; }));
    EXPECT_TRUE(finish_writer());
    writer_.reset();
    const auto names = backend_->list(world_->path("out"));
    EXPECT_TRUE(names.has_value() && names->size() == 1u);
    return "out/" + names->front();
  }
  void read_from(const std::string& file, const std::string& from) {
    rows_.clear();
    bad_.clear();
    last_ = ReadStatus::kPending;
    open_reader({{"connector", "filesystem"},
                 {"path", world_->path(file)},
                 {"format", "journal"},
                 {"weir.buffer-bytes", "4096"},  // so that it takes several reads
                 {"scan.from", from}});
    ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
  }
  std::string refusal(const std::string& file, Options options) {
    options.insert({{"connector", "filesystem"}, {"path", world_->path(file)}});
    auto made = make_source(context(std::move(options), "t"));
    return made.has_value() ? std::string() : made.error().to_string();
  }
  static std::vector<std::string> rows_of(std::int64_t first, std::int64_t last) {
    std::vector<std::string> rows;
    for (std::int64_t i = first; i < last; ++i) rows.push_back(std::to_string(i) + " text");
    return rows;
  }
  static std::string at(std::int64_t nanos) {
    std::string digits = std::to_string(nanos);
    return "1970-01-01 00:00:00." + std::string(9 - digits.size(), '0') + digits;
  }
};
WEIR_ON_ALL_BACKENDS(JournalStartTest);

TEST_P(JournalStartTest, FramesOfEarlierRowsAreNotReadAndNothingElseIsLeftOut) {
  const std::string file = record(5000);
  read_from(file, at(0));
  const std::uint64_t all_bytes = reader_->bytes();
  for (const std::int64_t from : {0, 1, 15, 16, 17, 100, 2047, 2048, 4095, 4096, 4991, 4992, 4999}) {
    SCOPED_TRACE(from);
    read_from(file, at(from));
    EXPECT_EQ(rows_, rows_of(from / 16 * 16, 5000));
    EXPECT_TRUE(bad_.empty()) << bad_.front();
    EXPECT_EQ(reader_->records(), rows_.size());
    if (from >= 16) {
      EXPECT_LT(reader_->bytes(), all_bytes);
    }
  }
  EXPECT_LT(reader_->bytes(), all_bytes / 10) << "the end alone was read";
  read_from(file, at(5000));
  EXPECT_TRUE(rows_.empty());
  EXPECT_TRUE(bad_.empty());
  EXPECT_NE(source_->describe().find("313 of 313 frames (5000 rows) are not read"), std::string::npos)
      << source_->describe();
}

TEST_P(JournalStartTest, AJournalThatWasNotClosedIsReadFromATimeOnToo) {
  const std::string file = record(1000);
  const std::string bytes = world_->read_file(file);
  world_->truncate_file(file, bytes.size() - 3 * 64 - 100);
  read_from(file, at(100));
  ASSERT_FALSE(rows_.empty());
  EXPECT_EQ(rows_, rows_of(96, 96 + static_cast<std::int64_t>(rows_.size())));
  EXPECT_GT(rows_.size(), 800u);
  ASSERT_EQ(bad_.size(), 1u) << "its end is told, and nothing of its front";
}

TEST_P(JournalStartTest, ZonesAreHeededAndWhatCannotBeIsRefused) {
  const std::string file = record(100);
  read_from(file, "1970-01-01 01:00:00.000000050+01:00");
  EXPECT_EQ(rows_, rows_of(48, 100));
  const auto expect_part = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect_part(refusal(file, {{"format", "journal"}, {"scan.from", "noon"}}), "wants a timestamp, not 'noon'");
  expect_part(refusal(file, {{"format", "csv"}, {"scan.from", at(1)}}), "is for journals");
  expect_part(refusal("nothing", {{"format", "journal"}, {"scan.from", at(1)}}), "NotFound");
  world_->write_file("csv", "1,2\n");
  expect_part(refusal("csv", {{"format", "journal"}, {"scan.from", at(1)}}), "the journal ends inside its header");
  expect_part(refusal(file, {{"format", "journal"}, {"scan.from", at(1)}, {"source.monitor-interval", "1 s"}}),
              "read once");
}

TEST_P(JournalStartTest, AJournalWithoutTimesIsRefused) {
  const std::string file = record(100, {});
  const std::string text = refusal(file, {{"format", "journal"}, {"scan.from", at(1)}});
  EXPECT_NE(text.find("without 'journal.time-column'"), std::string::npos) << text;
}

}  // namespace
}  // namespace weir
