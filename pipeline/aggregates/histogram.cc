// HISTOGRAM(x, lo, hi, buckets): how many values fall into each of `buckets` equal parts of [lo, hi), as JSON:
// {"below":0,"counts":[3,0,1],"above":2}. hi itself, +infinity and NaN are above. Rows can be taken out again.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/number_lift.h"
#include "aggregates/value_text.h"

namespace weir {
namespace {

constexpr std::uint32_t kBucketsMax = 4096;

class HistogramAggregate : public AggregateFunction {
 public:
  HistogramAggregate(const Type& type, double low, double high, std::uint32_t buckets)
      : type_(type), low_(low), high_(high), scale_(buckets / (high - low)), buckets_(buckets) {}

  std::size_t state_bytes() const noexcept override { return sizeof(StatePiece) + counts_bytes(); }
  bool owns_memory() const noexcept override { return true; }
  bool has_inverse() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override { return count(rows, to, 1); }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return count(rows, from, -1);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    add_counts(counts(to), reinterpret_cast<const char*>(from + sizeof(StatePiece)), 1);
    return {};
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap&) const override {
    add_counts(counts(from), reinterpret_cast<const char*>(what + sizeof(StatePiece)), -1);
    return {};
  }
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    const std::int64_t* const all = counts(state);
    to.set_valid(row, false);
    if (std::all_of(all, all + buckets_ + 2, [](std::int64_t of) { return of == 0; })) return {};
    PieceWriter text(*reinterpret_cast<StatePiece*>(state), heap);
    bool done = text.append("{\"below\":") && append_number(all[0], text) && text.append(",\"counts\":[");
    for (std::uint32_t i = 1; i <= buckets_ && done; ++i)
      done = (i == 1 || text.append(",")) && append_number(all[i], text);
    done = done && text.append("],\"above\":") && append_number(all[buckets_ + 1], text) && text.append("}");
    if (!done) return state_heap_full();
    put_text(text.view(), to, row);
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    reinterpret_cast<StatePiece*>(state)->release(heap);
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override {
    return std::string_view(reinterpret_cast<const char*>(state + sizeof(StatePiece)), counts_bytes());
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap&) const override {
    add_counts(counts(state), partial.data(), 1);
    return {};
  }

 private:
  std::size_t counts_bytes() const noexcept { return (buckets_ + 2) * sizeof(std::int64_t); }
  static std::int64_t* counts(std::byte* state) noexcept {
    return reinterpret_cast<std::int64_t*>(state + sizeof(StatePiece));
  }
  void add_counts(std::int64_t* to, const char* from, std::int64_t times) const noexcept {
    for (std::uint32_t i = 0; i < buckets_ + 2; ++i) {
      std::int64_t more;
      std::memcpy(&more, from + i * sizeof more, sizeof more);
      to[i] += times * more;
    }
  }

  /// 0 below, 1 … buckets, buckets + 1 above.
  std::uint32_t place(double value) const noexcept {
    if (value < low_) return 0;
    if (!(value < high_)) return buckets_ + 1;
    return std::min(static_cast<std::uint32_t>((value - low_) * scale_), buckets_ - 1) + 1;
  }
  Result<void> count(const AggregateRows& rows, const AggregateStates& to, std::int64_t times) const {
    each_number_run(rows, type_, to, [&](const double* values, std::uint32_t size, std::byte* state) {
      std::int64_t* const all = counts(state);
      for (std::uint32_t i = 0; i < size; ++i) all[place(values[i])] += times;
      return true;
    });
    return {};
  }

  Type type_;
  double low_, high_, scale_;
  std::uint32_t buckets_;
};

}  // namespace

void add_histogram(std::vector<AggregateDefinition>& to) {
  AggregateDefinition made;
  made.name = "HISTOGRAM";
  made.signature = "HISTOGRAM(number, low, high, buckets)";
  made.meaning =
      "how many values fall into each of equally wide buckets of [low, high), below and above, as JSON; at most 4096 "
      "buckets";
  made.arguments_min = made.arguments_max = 4;
  made.constants_max = 3;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    WEIR_TRY(require_number("HISTOGRAM", arguments[0]));
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    constexpr double kMost = std::numeric_limits<double>::max() / 4;
    WEIR_ASSIGN(const double low, constant_between(call.name, "a low end", call.constants[0], -kMost, kMost));
    WEIR_ASSIGN(const double high, constant_between(call.name, "a high end", call.constants[1], -kMost, kMost));
    WEIR_ASSIGN(const std::uint32_t buckets, constant_whole(call.name, "buckets", call.constants[2], 1, kBucketsMax));
    if (!(low < high) || !std::isfinite(buckets / (high - low)))
      return Error(ErrorCode::kInvalidArgument, "HISTOGRAM takes a low end below its high end");
    return AggregateFunctionPtr(std::make_shared<HistogramAggregate>(call.arguments[0], low, high, buckets));
  };
  to.push_back(std::move(made));
}

}  // namespace weir
