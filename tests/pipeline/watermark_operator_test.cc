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

  ManualClock clock;

  explicit Watermarked(std::uint32_t inputs = 1, ExpressionPtr expression = make_column(0, Type::timestamp(3)),
                       WatermarkOptions options = {}) {
    context.batch_rows = 64;
    context.clock = &clock;
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

// ---- Idle inputs ------------------------------------------------------------------------------------------------

constexpr std::int64_t kTimeout = 10 * kMs;

Watermarked with_idle_timeout(std::uint32_t inputs) {
  WatermarkOptions options;
  options.idle_timeout_ns = kTimeout;
  return Watermarked(inputs, make_column(0, Type::timestamp(3)), options);
}

TEST(IdleInputs, AnInputWithoutRowsForTheTimeoutDoesNotHoldTheOthersBack) {
  Watermarked t = with_idle_timeout(2);
  t.push({10}, 0);
  t.push({5}, 1);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5));
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(kTimeout - 1);
  EXPECT_FALSE(t.op->input_waits(1));
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5));
  t.clock.advance(1);
  EXPECT_TRUE(t.op->input_waits(1));
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 10));
  EXPECT_TRUE(t.op->input_report(1).idle);
  EXPECT_EQ(t.op->idle_inputs(), 1u);
  EXPECT_EQ(t.op->holding_input(), 0);
  t.push({30}, 0);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 10, 30));
}

TEST(IdleInputs, OneComesBackWithItsNextRowFromWhereTheOthersHaveCome) {
  Watermarked t = with_idle_timeout(2);
  t.push({5}, 1);
  t.push({40}, 0);
  (void)t.op->input_waits(1);
  t.clock.advance(kTimeout);
  EXPECT_TRUE(t.op->input_waits(1));
  t.push({20, 41}, 1);  // 20 is late: the windows up to 40 have gone
  ASSERT_NE(t.batch->header().row_watermarks, nullptr);
  EXPECT_EQ(t.batch->header().row_watermarks[0], 40 * kMs);
  EXPECT_EQ(t.op->input_watermark(1), 41 * kMs);
  t.push({90}, 0);
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 40, 41));
  EXPECT_EQ(t.op->idle_inputs(), 0u);
  EXPECT_EQ(t.op->input_report(1).idle_count, 1u);
}

TEST(IdleInputs, RowsBeforeTheTimeoutStartItAnew) {
  Watermarked t = with_idle_timeout(2);
  t.push({5}, 1);
  (void)t.op->input_waits(1);
  t.clock.advance(kTimeout - 1);
  t.push({6}, 1);
  t.clock.advance(1);
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(kTimeout - 1);
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(1);
  EXPECT_TRUE(t.op->input_waits(1));
}

TEST(IdleInputs, TheIdleClockStopsUnderBackPressure) {
  Watermarked t = with_idle_timeout(2);
  t.push({10}, 0);
  t.push({5}, 1);
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(kTimeout - 10);
  t.op->blocked(true);
  t.clock.advance(3 * kTimeout);
  t.op->blocked(true);
  t.clock.advance(3 * kTimeout);
  t.op->blocked(false);
  EXPECT_FALSE(t.op->input_waits(1)) << "no one looked whether it has rows";
  t.clock.advance(9);
  t.op->blocked(false);
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(1);
  EXPECT_TRUE(t.op->input_waits(1));
}

TEST(IdleInputs, WhenAllAreIdleTheGreatestWatermarkGoesOnAndThenThatNothingComes) {
  for (const bool first : {false, true}) {
    Watermarked t = with_idle_timeout(2);
    t.push({50}, 0);
    t.push({20}, 1);
    const std::uint32_t order[] = {first ? 0u : 1u, first ? 1u : 0u};
    for (const std::uint32_t input : order) (void)t.op->input_waits(input);
    t.clock.advance(kTimeout);
    for (const std::uint32_t input : order) EXPECT_TRUE(t.op->input_waits(input));
    EXPECT_EQ(t.watermarks().back(), 50) << "whichever of them was idle first";
    EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kIdle);
    EXPECT_TRUE(t.op->all_idle());
    t.op->begin_return();
    EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kActive);
    t.op->finish_return(70 * kMs);
    EXPECT_FALSE(t.op->all_idle());
    t.push({60, 80}, 1);
    EXPECT_EQ(t.batch->header().row_watermarks[0], 70 * kMs) << "where the receivers had come";
    EXPECT_EQ(t.watermarks().back(), 80);
  }
}

TEST(IdleInputs, TheEndOfTheLastActiveInputLeavesTheIdleOnes) {
  Watermarked t = with_idle_timeout(2);
  t.push({5}, 1);
  (void)t.op->input_waits(1);
  t.clock.advance(kTimeout);
  EXPECT_TRUE(t.op->input_waits(1));
  t.push({9}, 0);
  t.op->input_ended(0);
  EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kIdle);
  t.op->input_ended(1);
  EXPECT_EQ(t.sink.controls.back().kind, Control::Kind::kEndOfInput);
}

TEST(IdleInputs, WithoutATimeoutNoneIsIdleHoweverLongItWaits) {
  Watermarked t(2);
  t.push({5}, 1);
  EXPECT_FALSE(t.op->input_waits(1));
  t.clock.advance(std::int64_t{1} << 60);
  EXPECT_FALSE(t.op->input_waits(1));
}

TEST(Watermark, AFilterThatRemovesEveryRowDoesNotHoldTheWatermarkBack) {
  Watermarked t(1);
  auto nothing =
      std::move(*make_filter(t.context, *make_call("<", {make_column(0, Type::timestamp(3)),
                                                         make_literal(Value{std::int64_t{-1}}, Type::timestamp(3))})));
  t.op->set_next(nothing.get());
  nothing->set_next(&t.sink);
  t.push({5});
  t.push({25});
  EXPECT_TRUE(t.sink.rows.empty());
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(5, 25));
  EXPECT_EQ(nothing->ledger().rows_filtered, 2u);
}

// ---- Bounded jumps ----------------------------------------------------------------------------------------------

Watermarked with_jump_max(std::int64_t ms, std::uint32_t rows) {
  WatermarkOptions options;
  options.jump_max_ns = ms * kMs;
  options.jump_rows = rows;
  return Watermarked(1, make_column(0, Type::timestamp(3)), options);
}

TEST(BoundedJumps, OneFarFutureRowMakesNoOtherLateAndIsCounted) {
  Watermarked t = with_jump_max(100, 3);
  t.push({1, 2, 3});
  t.push({4'000'000, 4, 5, 6});
  EXPECT_EQ(t.batch->header().row_watermarks, nullptr) << "no row is late";
  EXPECT_EQ(t.watermarks().back(), 6);
  EXPECT_EQ(t.op->input_report(0).jumps_held, 1u);
  EXPECT_EQ(t.op->input_report(0).jump_first, 4'000'000 * kMs);
  EXPECT_EQ(t.op->input_report(0).jumps_confirmed, 0u);
  EXPECT_EQ(t.sink.rows.size(), 7u) << "the row itself stays";
}

TEST(BoundedJumps, RowsInARowMoveItToTheLeastOfTheirs) {
  Watermarked t = with_jump_max(100, 3);
  t.push({1, 1, 1});
  t.push({9000, 8000, 7000});
  EXPECT_EQ(t.watermarks().back(), 7000);
  EXPECT_EQ(t.op->input_report(0).jumps_confirmed, 1u);
  t.push({7100});
  EXPECT_EQ(t.watermarks().back(), 7100) << "exactly the bound is within it";
}

TEST(BoundedJumps, ARowWithinTheBoundStartsTheCountAnew) {
  Watermarked t = with_jump_max(100, 3);
  t.push({1, 1, 1});
  t.push({9000, 9000, 2, 9000, 9000, 3});
  EXPECT_EQ(t.watermarks().back(), 3);
  EXPECT_EQ(t.op->input_report(0).jumps_held, 4u);
}

TEST(BoundedJumps, TheFirstRowsOfAnInputNeedConfirmationToo) {
  Watermarked t = with_jump_max(100, 3);
  t.push({9'000'000, 1});
  EXPECT_TRUE(t.watermarks().empty());
  t.push({2});
  EXPECT_THAT(t.watermarks(), testing::ElementsAre(1));
}

TEST(BoundedJumps, ABatchesBordersChangeNothing) {
  std::mt19937 random(3);
  std::vector<std::int64_t> times;
  for (int i = 0; i < 500; ++i) times.push_back(i * 3 + (random() % 20 == 0 ? 5000 : 0));
  const auto final_watermark = [&](std::size_t batch) {
    Watermarked t = with_jump_max(100, 2);
    for (std::size_t at = 0; at < times.size(); at += batch)
      t.push({times.begin() + static_cast<std::ptrdiff_t>(at),
              times.begin() + static_cast<std::ptrdiff_t>(std::min(times.size(), at + batch))});
    return std::pair(t.op->input_watermark(0), t.op->input_report(0).jumps_held);
  };
  EXPECT_EQ(final_watermark(1), final_watermark(64));
  EXPECT_EQ(final_watermark(7), final_watermark(64));
  EXPECT_GT(final_watermark(64).second, 0u);
}

}  // namespace
}  // namespace weir
