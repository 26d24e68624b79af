// Files that grow, through every backend: lines as they come, rotation, new files, files that get shorter; and rows
// that are paced by their event time.
#include <gmock/gmock.h>

#include "fuzz/format_rows.h"
#include "io/backend_fixture.h"
#include "weir/io/connector.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class TailTest : public BackendTest {
 protected:
  /// Opens a table of one STRING column, csv, over the path.
  void open(const std::string& name, std::map<std::string, std::string> options = {},
            Schema schema = {{{"line", Type::string()}}}) {
    context_.table = "t";
    context_.schema = schema;
    context_.columns.clear();
    for (std::uint32_t i = 0; i < schema.size(); ++i) context_.columns.push_back({i, i});
    context_.options = {{"connector", "filesystem"}, {"path", world_->path(name)}, {"format", "csv"}};
    context_.options.merge(options);
    context_.clock = &world_->clock();
    context_.setup_backend = backend_.get();
    auto source = make_source(context_);
    ASSERT_TRUE(source.has_value()) << source.error().to_string();
    source_ = std::move(*source);
    ReaderCallbacks callbacks;
    callbacks.bad_record = [this](const BadRecord& bad) {
      bad_.push_back(std::string(bad.reason));
      return take_bad_;
    };
    auto reader = source_->open(0, *backend_, callbacks);
    ASSERT_TRUE(reader.has_value()) << reader.error().to_string();
    reader_ = std::move(*reader);
    batch_ = std::make_unique<testing::OwnedBatch>(schema, 4, 4096);
  }
  void watch(const std::string& name) { open(name, {{"source.monitor-interval", "1 ms"}}); }
  void TearDown() override {
    reader_.reset();
    BackendTest::TearDown();
  }
  /// Reads until that many rows have come, or the input ends.
  bool read(std::size_t rows) {
    return drive([&] {
      while (rows_.size() < rows || rows == 0) {
        (*batch_)->reset();
        status_ = reader_->read(**batch_);
        for (std::uint32_t row = 0; row < (*batch_)->row_count(); ++row)
          rows_.push_back(testing::row_text(**batch_, row));
        if (status_ == ReadStatus::kPending) return false;
        if (status_ != ReadStatus::kRows) return true;
      }
      return true;
    });
  }
  /// Time for a good number of looks, in which nothing may come.
  void read_nothing() {
    const std::size_t before = rows_.size();
    for (int turn = 0; turn < 30; ++turn) {
      (*batch_)->reset();
      status_ = reader_->read(**batch_);
      EXPECT_EQ((*batch_)->row_count(), 0u);
      if (backend_->poll() == 0) backend_->park(500'000);
    }
    EXPECT_EQ(rows_.size(), before);
  }

  TableContext context_;
  std::unique_ptr<TableSource> source_;
  std::unique_ptr<RowReader> reader_;
  std::vector<std::string> rows_, bad_;
  bool take_bad_ = true;
  ReadStatus status_ = ReadStatus::kPending;
  std::unique_ptr<testing::OwnedBatch> batch_;
};
WEIR_ON_ALL_BACKENDS(TailTest);

TEST_P(TailTest, LinesComeAsTheyAreWrittenAndTheLastOneWaitsForItsEnd) {
  world_->write_file("log", "one\ntwo\nthr");
  watch("log");
  EXPECT_FALSE(source_->bounded());
  ASSERT_TRUE(read(2));
  read_nothing();
  world_->append_file("log", "ee\nfour\n");
  ASSERT_TRUE(read(4));
  for (int i = 0; i < 50; ++i) world_->append_file("log", "a longer line of number " + std::to_string(i) + "\n");
  ASSERT_TRUE(read(54));
  EXPECT_EQ(rows_[2], "'three'");
  EXPECT_EQ(rows_[53], "'a longer line of number 49'");
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_P(TailTest, AFileThatComesLaterIsRead) {
  watch("later");
  read_nothing();
  world_->write_file("later", "here\n");
  ASSERT_TRUE(read(1));
  EXPECT_THAT(rows_, ElementsAre("'here'"));
}

TEST_P(TailTest, ARotatedLogIsReadToItsEndAndThenTheNewOne) {
  world_->write_file("log", "one\n");
  watch("log");
  ASSERT_TRUE(read(1));
  world_->append_file("log", "two\nlast without an end");
  world_->rename_file("log", "log.1");
  world_->write_file("log", "new\n");
  ASSERT_TRUE(read(4));
  EXPECT_THAT(rows_, UnorderedElementsAre("'one'", "'two'", "'last without an end'", "'new'"));
  world_->append_file("log", "newer\n");
  ASSERT_TRUE(read(5));
  EXPECT_EQ(rows_[4], "'newer'");
  read_nothing();
  EXPECT_THAT(bad_, IsEmpty());
  EXPECT_EQ(reader_->records(), 5u);
}

TEST_P(TailTest, ARenameInAWatchedFolderReadsNothingTwice) {
  world_->make_directory("logs");
  world_->write_file("logs/a", "one\n");
  watch("logs");
  ASSERT_TRUE(read(1));
  world_->rename_file("logs/a", "logs/a.1");
  world_->write_file("logs/a", "two\n");
  ASSERT_TRUE(read(2));
  world_->append_file("logs/a.1", "three\n");
  world_->write_file("logs/b", "four\n");
  ASSERT_TRUE(read(4));
  read_nothing();
  EXPECT_THAT(rows_, UnorderedElementsAre("'one'", "'two'", "'three'", "'four'"));
}

TEST_P(TailTest, AFileThatIsDeletedEndsWithWhatItHeld) {
  world_->make_directory("logs");
  world_->write_file("logs/a", "one\ntw");
  world_->write_file("logs/b", "other\n");
  watch("logs");
  ASSERT_TRUE(read(2));
  world_->remove_file("logs/a");
  ASSERT_TRUE(read(3));
  EXPECT_THAT(rows_, UnorderedElementsAre("'one'", "'other'", "'tw'"));
}

TEST_P(TailTest, AFileThatGetsShorterIsToldAndReadFromItsFirstByte) {
  world_->write_file("log", "one\ntwo\nthree\n");
  watch("log");
  ASSERT_TRUE(read(3));
  read_nothing();
  world_->truncate_file("log", 0);
  ASSERT_TRUE(drive([&] {
    (*batch_)->reset();
    reader_->read(**batch_);
    return !bad_.empty();
  }));
  EXPECT_THAT(bad_, ElementsAre(HasSubstr("got shorter: it has 0 bytes, 14 had been read")));
  world_->append_file("log", "again\n");
  ASSERT_TRUE(read(4));
  EXPECT_EQ(rows_[3], "'again'");
}

TEST_P(TailTest, AFileThatGetsShorterFailsTheReaderWhereBadRecordsDo) {
  take_bad_ = false;
  world_->write_file("log", "one\n");
  watch("log");
  ASSERT_TRUE(read(1));
  read_nothing();
  world_->truncate_file("log", 1);
  read(2);
  EXPECT_EQ(status_, ReadStatus::kFailed);
  EXPECT_EQ(reader_->error().code(), ErrorCode::kTruncated);
}

TEST_P(TailTest, DrainingEndsWithTheLinesThatAreWhole) {
  world_->write_file("log", "one\ntw");
  watch("log");
  ASSERT_TRUE(read(1));
  read_nothing();
  reader_->drain();
  EXPECT_TRUE(read(2));
  EXPECT_EQ(status_, ReadStatus::kEnd);
  EXPECT_THAT(rows_, ElementsAre("'one'"));
  EXPECT_THAT(bad_, ElementsAre(HasSubstr("drained in the middle of the record")));
}

TEST_P(TailTest, MoreFilesThanTheLimitAreAnError) {
  world_->make_directory("logs");
  for (const char* name : {"logs/a", "logs/b", "logs/c"}) world_->write_file(name, "x\n");
  open("logs", {{"source.monitor-interval", "1 ms"}, {"weir.inputs-max", "2"}});
  read(4);
  EXPECT_EQ(status_, ReadStatus::kFailed);
  EXPECT_EQ(reader_->error().code(), ErrorCode::kLimitExceeded);
}

const Schema kTimed{{{"line", Type::string()}, {"at", Type::timestamp(3)}}};

TEST_P(TailTest, PacedRowsComeWhenTheirTimeHasCome) {
  // 0, 2, 2, 1 and 6 ms; twice as fast as it happened.
  world_->write_file("rows",
                     "a,1970-01-01 00:00:01.000\nb,1970-01-01 00:00:01.002\nc,1970-01-01 00:00:01.002\n"
                     "d,1970-01-01 00:00:01.001\nthis one is e,1970-01-01 00:00:01.006\n");
  open("rows", {{"scan.pace", "2"}, {"scan.pace-column", "at"}}, kTimed);
  std::vector<std::int64_t> came;
  std::int64_t start = 0;
  ASSERT_TRUE(drive([&] {
    (*batch_)->reset();
    status_ = reader_->read(**batch_);
    const std::int64_t now = world_->clock().now_ns();
    for (std::uint32_t row = 0; row < (*batch_)->row_count(); ++row) {
      rows_.push_back(testing::row_text(**batch_, row));
      if (came.empty()) start = now;
      came.push_back(now - start);
    }
    return status_ == ReadStatus::kEnd;
  }));
  EXPECT_THAT(rows_, ElementsAre("'a'|1000000000", "'b'|1002000000", "'c'|1002000000", "'d'|1001000000",
                                 "'this one is e'|1006000000"));
  const std::int64_t due[] = {0, 1'000'000, 1'000'000, 1'000'000, 3'000'000};
  for (std::size_t i = 0; i < came.size(); ++i) EXPECT_GE(came[i], due[i]) << i;
}

TEST_P(TailTest, APacedReaderThatIsDrainedEnds) {
  world_->write_file("rows", "a,1970-01-01 00:00:01\nb,1990-01-01 00:00:00\n");
  open("rows", {{"scan.pace", "1.0"}, {"scan.pace-column", "at"}}, kTimed);
  ASSERT_TRUE(read(1));
  reader_->drain();
  EXPECT_TRUE(read(2));
  EXPECT_EQ(status_, ReadStatus::kEnd);
  EXPECT_EQ(rows_.size(), 1u);
}

TEST_P(TailTest, APaceWithoutItsColumnIsRefused) {
  world_->write_file("rows", "a,1970-01-01 00:00:01\n");
  context_.table = "t";
  context_.schema = kTimed;
  context_.setup_backend = backend_.get();
  const auto refused = [&](std::map<std::string, std::string> options) {
    context_.options = {{"connector", "filesystem"}, {"path", world_->path("rows")}, {"format", "csv"}};
    context_.options.merge(options);
    auto source = make_source(context_);
    return source.has_value() ? std::string("taken") : source.error().to_string();
  };
  EXPECT_THAT(refused({{"scan.pace", "1.0"}}), HasSubstr("needs 'scan.pace-column'"));
  EXPECT_THAT(refused({{"scan.pace", "0"}, {"scan.pace-column", "at"}}), HasSubstr("not '0'"));
  EXPECT_THAT(refused({{"scan.pace-column", "line"}}), HasSubstr("which is STRING"));
  EXPECT_THAT(refused({{"source.monitor-interval", "soon"}}), HasSubstr("wants a duration"));
}

}  // namespace
}  // namespace weir
