// What a row costs a window operator as the windows hold more slices: the same rows, the same number of results, at
// ratios of size to slide of 1, 10, 100 and 3,600. Time is shown; instructions are counted from outside:
//
//   valgrind --tool=callgrind --toggle-collect='*take_rows*' slide_cost --ratio=R --slices=400 --only=sum|max|cumulate
//
// counts 256 * (400 + 2 * R + 10) rows: those that fill the windows first are counted too.
//
// A row is a key of 64 and a value, 256 rows a slice. A window gives out 64 results, one of 4 rows of a slice, whatever
// its size.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/pipeline/operators.h"

namespace {

using namespace weir;

constexpr std::int64_t kSlide = 1'000'000'000;
constexpr std::uint32_t kRowsPerSlice = 256, kKeys = 64;

/// Takes results and counts them.
class Counter final : public Operator {
 public:
  bool accepts() const noexcept override { return true; }
  void push(Batch& batch) override { rows += batch.selected_count(); }
  void control(const Control&) override {}
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "counter"; }
  std::uint64_t rows = 0;
};

Type not_null(Type type) {
  type.nullable = false;
  return type;
}

WindowAggregateOptions options_of(std::int64_t ratio, bool inverse, bool cumulate) {
  WindowAggregateOptions options;
  WindowSpec window;
  window.kind = cumulate ? WindowKind::kCumulate : WindowKind::kHop;
  window.slide_ns = kSlide;
  window.size_ns = kSlide * ratio;
  options.window = window;
  options.input.fields = {
      {"ts", not_null(Type::timestamp(3))}, {"k", not_null(Type::bigint())}, {"v", not_null(Type::of(TypeId::kInt))}};
  options.keys = {1};
  AggregateColumn count, value;
  count.name = "COUNT";
  count.output_name = "n";
  value.name = inverse ? "SUM" : "MAX";
  value.arguments = {2};
  value.output_name = "v";
  options.aggregates = {count, value};
  options.slices_max = 8192;
  return options;
}

struct Cost {
  double ns_a_row = 0;
  double results_a_row = 0;
};

/// The part that is counted.
__attribute__((noinline)) void take_rows(WindowAggregateOperator& window, Batch& batch, std::int64_t first,
                                         std::int64_t slices) {
  auto* times = batch.column(0).values<std::int64_t>();
  for (std::int64_t slice = first; slice < first + slices; ++slice) {
    for (std::uint32_t i = 0; i < kRowsPerSlice; ++i) times[i] = slice * kSlide;
    batch.header().event_time_min = batch.header().event_time_max = slice * kSlide;
    window.push(batch);
    window.control({Control::Kind::kWatermark, (slice + 1) * kSlide - 1'000'000});
    while (!window.accepts()) (void)window.resume();
  }
}

Cost run(std::int64_t ratio, bool inverse, bool cumulate, std::int64_t slices) {
  FragmentContext context;
  context.batch_rows = kRowsPerSlice;
  const WindowAggregateOptions options = options_of(ratio, inverse, cumulate);
  auto made = WindowAggregateOperator::create(context, options);
  if (!made.has_value()) {
    std::fprintf(stderr, "slide_cost: %s\n", made.error().to_string().c_str());
    std::exit(1);
  }
  Counter counter;
  (*made)->set_next(&counter);
  std::vector<Physical> columns;
  for (const Field& field : options.input.fields) columns.push_back(field.type.physical());
  const BatchLayout layout{columns, kRowsPerSlice, 0, true, false};
  void* memory = ::operator new (layout.bytes(), std::align_val_t{64});
  Batch* batch = Batch::create(layout, memory);
  batch->set_row_count(kRowsPerSlice);
  for (std::uint32_t i = 0; i < kRowsPerSlice; ++i) {
    batch->column(1).values<std::int64_t>()[i] = static_cast<std::int64_t>(i % kKeys) * 0x0123456789ABCD;
    batch->column(2).values<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  }
  for (std::int64_t warm = 0; warm < 2 * ratio + 10; warm += 64)
    take_rows(**made, *batch, warm, std::min<std::int64_t>(64, 2 * ratio + 10 - warm));
  const std::uint64_t before = counter.rows;
  const auto start = std::chrono::steady_clock::now();
  take_rows(**made, *batch, 2 * ratio + 10, slices);
  const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ::operator delete (memory, std::align_val_t{64});
  if (context.failure.has_value() || counter.rows - before != static_cast<std::uint64_t>(slices) * kKeys) {
    std::fprintf(stderr, "slide_cost: wrong number of results\n");
    std::exit(1);
  }
  const double rows = static_cast<double>(slices) * kRowsPerSlice;
  return {taken / rows * 1e9, static_cast<double>(counter.rows - before) / rows};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> ratios = {1, 10, 100, 3600};
  std::int64_t slices = 7200;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--ratio=", 8) == 0)
      ratios = {std::atoll(argv[i] + 8)};
    else if (std::strncmp(argv[i], "--slices=", 9) == 0)
      slices = std::atoll(argv[i] + 9);
    else if (std::strncmp(argv[i], "--only=", 7) == 0)
      only = argv[i] + 7;
    else {
      std::fprintf(stderr, "slide_cost [--ratio=N] [--slices=N] [--only=sum|max|cumulate]\n");
      return 2;
    }
  }
  std::printf("%-34s %8s %10s %14s\n", "", "ratio", "ns/row", "results/row");
  for (const std::int64_t ratio : ratios) {
    const auto show = [&](const char* key, const char* name, bool inverse, bool cumulate) {
      if (!only.empty() && only != key) return;
      const Cost result = run(ratio, inverse, cumulate, slices);
      std::printf("%-34s %8lld %10.2f %14.3f\n", name, static_cast<long long>(ratio), result.ns_a_row,
                  result.results_a_row);
    };
    show("sum", "HOP, COUNT and SUM (inverse)", true, false);
    show("max", "HOP, COUNT and MAX (two stacks)", false, false);
    show("cumulate", "CUMULATE, COUNT and MAX", false, true);
  }
  return 0;
}
