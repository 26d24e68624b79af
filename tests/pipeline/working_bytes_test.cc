// What an aggregate says that it takes beside its state is what it takes: measured at the heap, for every kind.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "pipeline/window_fixture.h"

namespace weir::test {
namespace {

constexpr std::uint32_t kRows = 4096;

/// Bytes of the heap in use; 0 where a sanitizer has its own.
std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

void check_working_bytes(const WindowAggregateOptions& options, const std::string& what) {
  SCOPED_TRACE(what);
  FragmentContext context;
  context.batch_rows = kRows;
  const std::size_t before = heap_in_use();
  auto made = WindowAggregateOperator::create(context, options);
  const std::size_t taken = heap_in_use() - before;
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  const std::size_t said = (*made)->state_cost().working_bytes;
  constexpr std::size_t kNames = 32u << 10;  // schemas, names and layouts
  EXPECT_LE(taken, said + kNames);
  EXPECT_GE(taken + kNames, said);
  EXPECT_GT(said, kRows * sizeof(std::uint32_t));
}

WindowSpec window(WindowKind kind) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size_ns = 100'000'000;
  spec.slide_ns = 10'000'000;
  spec.size_rows = 100;
  spec.slide_rows = 10;
  return spec;
}

TEST(WorkingBytes, AreThoseThatAreTaken) {
  const std::size_t before = heap_in_use();
  const std::string probe(1u << 20, 'x');
  if (heap_in_use() < before + probe.size()) GTEST_SKIP() << "a sanitizer has a heap of its own";
  for (const WindowKind kind :
       {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate, WindowKind::kSession, WindowKind::kCount}) {
    for (const bool keyed : {false, true}) {
      WindowAggregateOptions options;
      options.window = window(kind);
      options.input = row_schema(TypeId::kBigInt);
      if (keyed) options.keys = {1, 2};
      options.aggregates = {all_aggregates()[0], all_aggregates()[2], all_aggregates()[6]};
      options.state_bytes_max = 64u << 20;
      const std::string what = "window " + std::to_string(static_cast<int>(kind)) + (keyed ? ", keyed" : "");
      check_working_bytes(options, what);
      for (AggregateColumn& call : options.aggregates) call.fast_sum = true;
      check_working_bytes(options, what + ", fast");
      options.mode = AggregateMode::kLocal;
      if (kind == WindowKind::kTumble || kind == WindowKind::kHop) check_working_bytes(options, what + ", local");
      options.mode = AggregateMode::kSingle;
      options.emit.early = true;
      if (kind == WindowKind::kTumble || kind == WindowKind::kHop) check_working_bytes(options, what + ", early");
    }
  }
}

}  // namespace
}  // namespace weir::test
