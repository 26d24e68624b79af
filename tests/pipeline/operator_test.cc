// Filter, project, window assign, late filter, and the columns that an aggregate works on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

struct RowsIn {
  Schema schema = row_schema(TypeId::kInt);
  OwnBatch batch{schema, 16, 1024};
  FragmentContext context;
  CollectingSink sink;
  RowsIn() {
    context.batch_rows = 16;
    context.heap_bytes = 1024;
  }
  void fill(const std::vector<std::int64_t>& keys) {
    batch->reset();
    for (const std::int64_t key : keys) {
      TestRow row;
      row.key = key;
      row.time = key * kMs;
      put_row(*batch, batch->row_count(), row);
      batch->set_row_count(batch->row_count() + 1);
    }
  }
};

ExpressionPtr above(std::int64_t bound) {
  return *make_call(">", {make_column(1, Type::integer()), make_literal(Value{bound}, Type::of(TypeId::kInt, false))});
}

TEST(Filter, KeepsTheRowsForWhichThePredicateIsTrueAndCountsTheOthers) {
  RowsIn t;
  auto filter = std::move(*make_filter(t.context, above(2)));
  filter->set_next(&t.sink);
  t.fill({1, 2, 3, 4});
  t.batch->column(1).set_valid(3, false);
  filter->push(*t.batch);
  EXPECT_EQ(t.sink.rows.size(), 1u);
  EXPECT_EQ(filter->ledger().rows_filtered, 3u);
  EXPECT_EQ(filter->ledger().imbalance(filter->held_rows()), 0);
}

TEST(Filter, TwoInARowWorkOnTheSelectionOfTheFirst) {
  RowsIn t;
  auto first = std::move(*make_filter(t.context, above(1)));
  auto second = std::move(
      *make_filter(t.context, *make_call("<", {make_column(1, Type::integer()),
                                               make_literal(Value{std::int64_t{4}}, Type::of(TypeId::kInt, false))})));
  first->set_next(second.get());
  second->set_next(&t.sink);
  t.fill({1, 2, 3, 4, 5});
  first->push(*t.batch);
  EXPECT_EQ(t.sink.rows.size(), 2u);
  EXPECT_EQ(second->ledger().rows_in, 4u);
}

TEST(Project, GivesTheResultsOfItsExpressionsAndKeepsSelectionAndHeader) {
  RowsIn t;
  auto filter = std::move(*make_filter(t.context, above(2)));
  auto doubled = *make_call(
      "*", {make_column(1, Type::integer()), make_literal(Value{std::int64_t{2}}, Type::of(TypeId::kInt, false))});
  Schema output;
  output.fields = {{"twice", doubled->type}, {"k", Type::integer()}};
  auto project = std::move(*make_project(t.context, {doubled, make_column(1, Type::integer())}, output));
  filter->set_next(project.get());
  project->set_next(&t.sink);
  t.fill({1, 2, 3, 4});
  t.batch->header().event_time_max = 77;
  filter->push(*t.batch);
  EXPECT_THAT(t.sink.rows, testing::ElementsAre("6|3", "8|4"));
  EXPECT_EQ(t.sink.headers[0].event_time_max, 77);
  EXPECT_EQ(project->ledger().imbalance(project->held_rows()), 0);
}

TEST(Project, AnErrorOfARowEndsTheJobAndTheLedgerStillCloses) {
  RowsIn t;
  auto quotient = *make_call(
      "%", {make_literal(Value{std::int64_t{1}}, Type::of(TypeId::kInt, false)), make_column(1, Type::integer())});
  Schema output;
  output.fields = {{"q", quotient->type}};
  auto project = std::move(*make_project(t.context, {quotient}, output));
  project->set_next(&t.sink);
  t.fill({1, 0});
  project->push(*t.batch);
  ASSERT_TRUE(t.context.failure.has_value());
  EXPECT_EQ(t.context.failure->code(), ErrorCode::kDivisionByZero);
  EXPECT_EQ(project->ledger().imbalance(project->held_rows()), 0);
}

WindowSpec ten_ms() {
  WindowSpec spec;
  spec.size_ns = spec.slide_ns = 10 * kMs;
  return spec;
}

TEST(WindowAssign, AppendsTheWindowOfEachRow) {
  RowsIn t;
  auto assign = std::move(*make_window_assign(t.context, ten_ms(), t.schema));
  assign->set_next(&t.sink);
  t.fill({-1, 0, 9, 10});
  assign->push(*t.batch);
  ASSERT_EQ(t.sink.rows.size(), 4u);
  EXPECT_THAT(t.sink.rows[0], testing::EndsWith("|-10000000|0|-1000000"));
  EXPECT_THAT(t.sink.rows[1], testing::EndsWith("|0|10000000|9000000"));
  EXPECT_THAT(t.sink.rows[2], testing::EndsWith("|0|10000000|9000000"));
  EXPECT_THAT(t.sink.rows[3], testing::EndsWith("|10000000|20000000|19000000"));
}

TEST(LateFilter, DropsTheRowsWhoseWindowHadFiredBeforeThem) {
  RowsIn t;
  auto late = std::move(*LateFilterOperator::create(t.context, ten_ms()));
  late->set_next(&t.sink);
  t.fill({9, 5, 12, 11, 8});
  const Watermark before[] = {0, 9 * kMs, 9 * kMs, 12 * kMs, 12 * kMs};
  t.batch->header().row_watermarks = before;
  late->push(*t.batch);
  EXPECT_EQ(t.sink.rows.size(), 3u);
  EXPECT_EQ(late->late().count, 2u);
  EXPECT_EQ(late->late().first->event_time, 5 * kMs);
  EXPECT_EQ(late->late().last->watermark, 12 * kMs);
  EXPECT_EQ(late->ledger().imbalance(late->held_rows()), 0);
}

}  // namespace
}  // namespace weir
