// Watermarks per input, their merge, and what a batch's header says of late rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

struct Watermarked {
  FragmentContext context;
  CollectingSink sink;
  std::unique_ptr<WatermarkOperator> op;
  Schema schema = row_schema(TypeId::kInt);
  OwnBatch batch{schema, 64, 256};

  explicit Watermarked(std::uint32_t inputs = 1, ExpressionPtr expression = make_column(0, Type::timestamp(3))) {
    context.batch_rows = 64;
    WatermarkOptions options;
    options.inputs = inputs;
    options.watermark = std::move(expression);
    auto made = WatermarkOperator::create(context, options);
    WEIR_CHECK(made.has_value());
    op = std::move(*made);
    op->set_next(&sink);
  }
  void push(const std::vector<std::int64_t>& times, std::uint32_t input = 0) {
    batch->reset();
    for (const std::int64_t time : times) {
      batch->column(0).values<std::int64_t>()[batch->row_count()] = time * kMs;
      batch->set_row_count(batch->row_count() + 1);
    }
    batch->header().input = input;
    op->push(*batch);
  }
  std::vector<std::int64_t> watermarks() const {
    std::vector<std::int64_t> values;
    for (const Control& control : sink.controls)
      if (control.kind == Control::Kind::kWatermark) values.push_back(control.value / kMs);
    return values;
  }
};

TEST(WatermarkOperator, ForwardsTheBatchFirstAndThenItsWatermarkOnceItRose) {
  Watermarked t;
  t.push({5, 7, 3});
  t.push({6});
  t.push({-9});
  t.push({8});
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(7, 8));
  EXPECT_THAT(t.sink.rows_at_control, testing::ElementsAre(3u, 6u));
  EXPECT_EQ(t.op->ledger().imbalance(t.op->held_rows()), 0);
}

TEST(WatermarkOperator, NegativeTimesAdvanceIt) {
  Watermarked t;
  t.push({-50});
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(-50));
}

TEST(WatermarkOperator, TheHeaderTellsTheWatermarkBeforeEachRowWhereARowMayBeLate) {
  Watermarked t;
  t.push({5});
  EXPECT_EQ(t.batch->header().row_watermarks, nullptr);
  t.push({6, 9, 7, 9});
  const BatchHeader& header = t.batch->header();
  EXPECT_EQ(header.watermark_before, 5 * kMs);
  EXPECT_EQ(header.watermark_after, 9 * kMs);
  EXPECT_EQ(header.event_time_min, 6 * kMs);
  EXPECT_EQ(header.event_time_max, 9 * kMs);
  ASSERT_NE(header.row_watermarks, nullptr);
  const std::int64_t expected[] = {5, 6, 9, 9};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(header.row_watermarks[i], expected[i] * kMs);
}

TEST(WatermarkOperator, ADelayKeepsRowsWithinItOnTime) {
  Type interval = Type::of(TypeId::kIntervalDay, false);
  Watermarked t(1, *make_call("-", {make_column(0, Type::timestamp(3)), make_literal(Value{10 * kMs}, interval)}));
  t.push({5, 14, 5, 13});
  EXPECT_EQ(t.batch->header().row_watermarks, nullptr);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(4));
}

TEST(WatermarkOperator, AGeneralExpressionGivesWhatItSaysAndNullChangesNothing) {
  // CASE WHEN v IS NULL THEN NULL ELSE ts END
  auto is_null = make_call("IS NULL", {make_column(3, Type::bigint())});
  ASSERT_TRUE(is_null.has_value());
  auto expression =
      make_case({*is_null, make_literal(Value{}, Type::timestamp(3)), make_column(0, Type::timestamp(3))});
  ASSERT_TRUE(expression.has_value());
  Watermarked t(1, *expression);
  t.batch->reset();
  for (std::uint32_t i = 0; i < 3; ++i) {
    TestRow row;
    row.time = (10 + i) * kMs;
    if (i != 2) row.value = 1;
    put_row(*t.batch, i, row);
  }
  t.batch->set_row_count(3);
  t.op->push(*t.batch);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(11));
}

TEST(WatermarkOperator, TheLeastOfAllInputsIsPassedOnAndTheHolderIsNamed) {
  Watermarked t(3);
  t.push({10}, 0);
  t.push({20}, 1);
  EXPECT_TRUE(t.watermarks().empty());
  EXPECT_EQ(t.op->holding_input(), 2);
  t.push({5}, 2);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5));
  t.push({30}, 2);
  EXPECT_EQ(t.op->holding_input(), 0);
  t.op->input_ended(0);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 10, 20));
  t.op->input_ended(1);
  t.op->input_ended(1);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 10, 20, 30));
  EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kWatermark);
  t.op->input_ended(2);
  EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kEndOfInput);
  EXPECT_EQ(t.op->holding_input(), -1);
}

TEST(WatermarkOperator, AnInputThatIsAddedDoesNotTurnTheWatermarkBack) {
  Watermarked t;
  t.push({10});
  auto added = t.op->add_input();
  ASSERT_TRUE(added.has_value());
  t.push({3}, *added);
  t.push({20});
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(10));
  t.push({15}, *added);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(10, 15));
}

TEST(WatermarkOperator, ANullEventTimeEndsTheJobAndIsCounted) {
  Watermarked t;
  t.batch->reset();
  t.batch->column(0).values<std::int64_t>()[0] = 1;
  t.batch->column(0).values<std::int64_t>()[1] = 1;
  t.batch->column(0).set_valid(1, false);
  t.batch->set_row_count(2);
  t.op->push(*t.batch);
  ASSERT_TRUE(t.context.failure.has_value());
  EXPECT_EQ(t.context.failure->code(), ErrorCode::kNullNotAllowed);
  EXPECT_EQ(t.op->null_event_times(), 1u);
  EXPECT_EQ(t.op->ledger().imbalance(t.op->held_rows()), 0);
}

TEST(WatermarkOperator, AWatermarkWaitsForASinkThatDoesNotAcceptAndKeepsItsPlace) {
  std::mt19937 refuse(5);
  CollectingSink sink(&refuse);
  FragmentContext context;
  WatermarkOptions options;
  options.watermark = make_column(0, Type::timestamp(3));
  auto op = std::move(*WatermarkOperator::create(context, options));
  op->set_next(&sink);
  const Schema schema = row_schema(TypeId::kInt);
  OwnBatch batch(schema, 4, 64);
  for (std::int64_t time = 1; time <= 200; ++time) {
    while (!op->accepts()) {
      sink.roll();
      op->resume();
    }
    batch->reset();
    batch->column(0).values<std::int64_t>()[0] = time;
    batch->set_row_count(1);
    op->push(*batch);
  }
  while (!op->accepts()) {
    sink.roll();
    op->resume();
  }
  ASSERT_EQ(sink.controls.size(), 200u);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(sink.rows_at_control[i], i + 1);
}

}  // namespace
}  // namespace weir
