// Writers of columns: text of every length through a small heap, NULLs, selections, and values that columns refuse.
#include <gmock/gmock.h>

#include <optional>

#include "engine/job_run.h"
#include "weir/core/random.h"

namespace weir::test {
namespace {

struct Row {
  std::optional<std::int64_t> number;
  std::optional<std::string> text;
  friend bool operator==(const Row&, const Row&) = default;
};

std::vector<Row> make_rows(std::size_t count, std::size_t text_max, std::uint64_t seed) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t draw = random_at(seed, i);
    Row row;
    if (draw % 5 != 0) row.number = static_cast<std::int64_t>(draw >> 20);
    if (draw % 7 != 0) row.text = std::string(draw / 8 % text_max, static_cast<char>('a' + draw / 4096 % 26));
    rows.push_back(row);
  }
  return rows;
}

/// Columns of rows for append_columns. Text stands where the caller's rows stand.
struct Columns {
  explicit Columns(const std::vector<Row>& rows)
      : numbers(rows.size()),
        texts(rows.size()),
        valid_numbers(rows.size() / 64 + 1),
        valid_texts(rows.size() / 64 + 1) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].number.has_value()) {
        numbers[i] = *rows[i].number;
        valid_numbers[i / 64] |= std::uint64_t{1} << (i % 64);
      }
      if (rows[i].text.has_value()) {
        texts[i] = StringRef(*rows[i].text);
        valid_texts[i / 64] |= std::uint64_t{1} << (i % 64);
      }
    }
  }
  std::vector<std::int64_t> numbers;
  std::vector<StringRef> texts;
  std::vector<std::uint64_t> valid_numbers, valid_texts;
  std::vector<ColumnView> views() const {
    return {{numbers.data(), valid_numbers.data()}, {texts.data(), valid_texts.data()}};
  }
};

constexpr const char* kCopySql = R"(
    CREATE TABLE a (x BIGINT, s STRING) WITH ('connector' = 'host');
    CREATE TABLE b (x BIGINT, s STRING) WITH ('connector' = 'host');
    INSERT INTO b SELECT x, s FROM a;)";

struct Copy {
  explicit Copy(const char* sql = kCopySql, std::size_t heap_bytes = 4096, bool inline_append = false) {
    JobOptions options = small_options();
    options.threads = false;
    options.inline_append = inline_append;
    options.batch_rows = 32;
    options.host_tables["a"].feed = {.writers = 1, .rows_max = 64, .heap_bytes = heap_bytes};
    options.host_tables["b"].write = [this](std::uint32_t, const Batch& batch) {
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t r = batch.has_selection() ? batch.selection()[i] : i;
        Row row;
        if (batch.column(0).is_valid(r)) row.number = batch.column(0).values<std::int64_t>()[r];
        if (batch.column(1).is_valid(r)) row.text = std::string(batch.column(1).values<StringRef>()[r].view());
        rows.push_back(row);
      }
    };
    auto made = make_job(sql, std::move(options));
    EXPECT_TRUE(made.has_value()) << made.error().to_string();
    job = std::move(made).value();
    writer.emplace(std::move(job->writer("a")).value());
  }
  void end() {
    writer->end();
    for (int i = 0; i < 100'000 && !job->progress().finished; ++i) job->poll(PollBudget{1});
    EXPECT_TRUE(job->progress().finished);
    expect_closed(job->ledger());
  }
  std::vector<Row> rows;
  std::unique_ptr<Job> job;
  std::optional<Writer> writer;
};

TEST(WriterColumns, CarryNullsAndTextOfEveryLengthThroughASmallHeap) {
  for (const std::size_t text_max : {5u, 40u, 1200u}) {
    for (const std::size_t piece : {1u, 9u, 200u}) {
      Copy copy;
      const std::vector<Row> rows = make_rows(1500, text_max, text_max + piece);
      std::uint64_t tries = 0;
      for (std::size_t at = 0; at < rows.size();) {
        ASSERT_LT(++tries, 100'000u);
        const std::vector<Row> some(rows.begin() + static_cast<std::ptrdiff_t>(at),
                                    rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), at + piece)));
        const Columns columns(some);
        const AppendedRows taken = copy.writer->append_columns(columns.views(), some.size());
        ASSERT_NE(taken.state, Appended::kRefused) << copy.writer->error()->to_string();
        at += taken.rows;
        if (taken.state == Appended::kFull) copy.job->poll(PollBudget{1});
      }
      copy.end();
      EXPECT_TRUE(copy.rows == rows);
    }
  }
}

TEST(WriterColumns, OfAnInlineJobAreAllTakenThoughTheyAreMoreThanTheRing) {
  Copy copy(kCopySql, 4096, true);
  const std::vector<Row> rows = make_rows(1000, 60, 3);
  const Columns columns(rows);
  const AppendedRows taken = copy.writer->append_columns(columns.views(), rows.size());
  EXPECT_EQ(taken.rows, rows.size());
  EXPECT_EQ(taken.state, Appended::kDone);
  EXPECT_TRUE(copy.rows == rows);
}

TEST(WriterColumns, TakeTheSelectedRowsOfABatch) {
  const std::vector<Row> rows = make_rows(60, 30, 8);
  const std::vector<Physical> physical = {Physical::kInt64, Physical::kString};
  BatchLayout layout;
  layout.columns = physical;
  layout.capacity = 64;
  layout.heap_bytes = 4096;
  const std::unique_ptr<std::byte[], void (*)(std::byte*)> memory(
      static_cast<std::byte*>(::operator new[](layout.bytes(), std::align_val_t{64})),
      [](std::byte* p) { ::operator delete[](p, std::align_val_t{64}); });
  Batch& batch = *Batch::create(layout, memory.get());
  std::vector<std::uint32_t> selection;
  std::vector<Row> expected;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    batch.column(0).values<std::int64_t>()[i] = rows[i].number.value_or(0);
    batch.column(0).set_valid(i, rows[i].number.has_value());
    ASSERT_TRUE(batch.heap().store(rows[i].text.value_or(""), batch.column(1).values<StringRef>()[i]));
    batch.column(1).set_valid(i, rows[i].text.has_value());
    if (i % 3 == 1) continue;
    selection.push_back(i);
    expected.push_back(rows[i]);
  }
  batch.set_row_count(static_cast<std::uint32_t>(rows.size()));
  batch.set_selection(selection.data(), static_cast<std::uint32_t>(selection.size()));
  Copy copy;
  EXPECT_EQ(copy.writer->append_batch(batch).rows, expected.size());
  copy.end();
  EXPECT_TRUE(copy.rows == expected);
}

TEST(WriterColumns, RefuseNullWhereTheColumnTakesNoneAndSayWhich) {
  Copy copy(R"(CREATE TABLE a (x BIGINT NOT NULL, s STRING) WITH ('connector' = 'host');
               CREATE TABLE b (x BIGINT, s STRING) WITH ('connector' = 'host');
               INSERT INTO b SELECT x, s FROM a;)");
  const std::vector<Row> rows = {{1, "one"}, {2, std::nullopt}, {std::nullopt, "none"}, {4, "four"}};
  const Columns columns(rows);
  const AppendedRows taken = copy.writer->append_columns(columns.views(), rows.size());
  EXPECT_EQ(taken.rows, 2u);
  EXPECT_EQ(taken.state, Appended::kRefused);
  ASSERT_NE(copy.writer->error(), nullptr);
  EXPECT_THAT(copy.writer->error()->to_string(), testing::HasSubstr("column x"));
  copy.end();
  EXPECT_EQ(copy.rows.size(), 2u);
}

TEST(WriterColumns, RefuseTextThatIsNotUtf8AndTextThatNeverFits) {
  Copy copy;
  const std::vector<Row> broken = {{1, "fine"}, {2, "not \xff text"}};
  EXPECT_EQ(copy.writer->append_columns(Columns(broken).views(), 2).rows, 1u);
  EXPECT_THAT(copy.writer->error()->to_string(), testing::HasSubstr("UTF-8"));
  const std::vector<Row> long_text = {{3, std::string(2049, 'x')}};
  const AppendedRows taken = copy.writer->append_columns(Columns(long_text).views(), 1);
  EXPECT_EQ(taken.rows, 0u);
  EXPECT_EQ(taken.state, Appended::kRefused);
  EXPECT_THAT(copy.writer->error()->to_string(), testing::HasSubstr("half of heap_bytes"));
  const std::vector<Row> fitting = {{3, std::string(2048, 'x')}};
  EXPECT_EQ(copy.writer->append_columns(Columns(fitting).views(), 1).state, Appended::kDone);
  copy.end();
}

}  // namespace
}  // namespace weir::test
