// Aggregates over event time: RATE and SLOPE, which need a few numbers, and TWAP and INCREASE, whose value depends on
// which rows are neighbours, so that they keep all rows of a group until the result is made.
//
//   RATE      first and last row                        | set | first | last |
//   SLOPE     exact sums of t, t*t, x, t*x              | count | partial | 4 sums |
//   TWAP      a list of (event time, arrival, x)        | points | size | capacity |
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/exact_state.h"

namespace weir {
namespace {

ExactNumber exact_number(double value) noexcept {
  const ExactTerm term = ExactTerm::of(value);
  const ExactNumber magnitude = ExactNumber(term.magnitude).times_power_of_two(term.exponent);
  return term.negative ? ExactNumber() - magnitude : magnitude;
}

/// a - b without overflow.
ExactNumber span_of(EventTime a, EventTime b) noexcept {
  return ExactNumber::from_integer(Int128{a} - b);
}

class RateFunction final : public AggregateFunction {
 public:
  explicit RateFunction(Type type) : type_(std::move(type)) {}

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  bool order_sensitive() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    const NumberColumn values(*rows.arguments[0], type_);
    rows.each([&](std::uint32_t row, std::size_t group) {
      const Point point{rows.order(row), values.number(row)};
      put(*reinterpret_cast<State*>(to.state(group)), {1, point, point});
    });
    return {};
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    const auto& other = *reinterpret_cast<const State*>(from);
    if (other.set != 0) put(*reinterpret_cast<State*>(to), other);
    return {};
  }
  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const auto& [set, first, last] = *reinterpret_cast<const State*>(bytes);
    const bool valid = set != 0 && first.order.event_time != last.order.event_time;
    if (!valid) {
      write_double(to, row, false, 0);
      return {};
    }
    double change = last.value - first.value;  // NaN or infinite where one of them is
    if (std::isfinite(first.value) && std::isfinite(last.value)) {
      const ExactNumber difference = exact_number(last.value) - exact_number(first.value);
      const ExactNumber nanoseconds = span_of(last.order.event_time, first.order.event_time);
      const ExactNumber per_second = difference * ExactNumber(1'000'000'000);
      change = (per_second.scaled() / nanoseconds.scaled()).value();
    }
    write_double(to, row, true, change);
    return {};
  }

 private:
  struct Point {
    RowOrder order;
    double value;
  };
  struct State {
    std::uint64_t set;
    Point first, last;
  };
  static void put(State& state, const State& other) noexcept {
    const bool unset = std::exchange(state.set, 1) == 0;
    if (unset || other.first.order < state.first.order) state.first = other.first;
    if (unset || other.last.order > state.last.order) state.last = other.last;
  }

  Type type_;
};

/// Least squares of x over event time in units of 2^40 ns, which keeps all products within the limbs of a sum.
class SlopeFunction final : public ExactSumsFunction<4> {
 public:
  explicit SlopeFunction(Type type) : type_(std::move(type)) {}

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    const ExactNumber n(state.count), t = number(state.sums[kT]);
    const ExactNumber spread = n * number(state.sums[kTT]) - t * t;
    const bool valid = spread.sign() != 0;
    double slope = std::numeric_limits<double>::quiet_NaN();
    if (valid && state.sums[kX].finite()) {
      const ExactNumber products = n * number(state.sums[kTX]) - t * number(state.sums[kX]);
      const ExactNumber per_second = products * ExactNumber(1'000'000'000);
      slope = (per_second.times_power_of_two(-kUnit).scaled() / spread.scaled()).value();
    }
    write_double(to, row, valid, slope);
    return {};
  }

 private:
  enum { kT, kTT, kX, kTX };
  static constexpr int kUnit = 40;

  bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const override {
    const NumberColumn values(*rows.arguments[0], type_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(states.state(group));
      StateHeap& heap = *states.heap;
      const ExactTerm x = values[row];
      ExactTerm t = ExactTerm::of(rows.order(row).event_time);
      t.exponent -= kUnit;
      state.count += negated ? ~std::uint64_t{0} : 1;
      done &= state.sums[kT].add_term(t, negated, heap);
      done &= state.sums[kTT].add_product(t, t, negated, heap);
      done &= state.sums[kX].add_term(x, negated, heap);
      done &= state.sums[kTX].add_product(t, x, negated, heap);
    });
    return done;
  }

  Type type_;
};

struct Point {
  EventTime time;
  std::uint64_t arrival;
  double value;

  RowOrder order() const noexcept { return {time, arrival}; }
};

/// Points of a group, in no order until they are sorted. Zeros are the empty list.
struct PointList {
  Point* points;
  std::uint32_t size;
  std::uint32_t capacity;

  bool reserve(std::size_t more, StateHeap& heap) noexcept {
    if (size + more <= capacity) return true;
    const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(size + more, 4));
    if (wanted > kPointsMax) return false;
    auto* grown = static_cast<Point*>(heap.take(wanted * sizeof(Point)));
    if (grown == nullptr) return false;
    if (size != 0) std::memcpy(grown, points, size * sizeof(Point));
    heap.give_back(points, capacity * sizeof(Point));
    points = grown;
    capacity = static_cast<std::uint32_t>(wanted);
    return true;
  }
  bool append(const void* from, std::size_t count, StateHeap& heap) noexcept {
    if (!reserve(count, heap)) return false;
    if (count != 0) std::memcpy(points + size, from, count * sizeof(Point));
    size += static_cast<std::uint32_t>(count);
    return true;
  }
  void sort() noexcept {
    std::sort(points, points + size, [](const Point& a, const Point& b) { return a.order() < b.order(); });
  }
  /// Takes out the points with the place of one of `gone`. Both are sorted.
  void remove(const Point* gone, std::size_t count) noexcept {
    std::size_t next = 0;
    Point* end = std::remove_if(points, points + size, [&](const Point& point) {
      while (next < count && gone[next].order() < point.order()) ++next;
      return next < count && gone[next].order() == point.order();
    });
    size = static_cast<std::uint32_t>(end - points);
  }

  static constexpr std::size_t kPointsMax = std::size_t{1} << 31;
};

/// TWAP and INCREASE.
class NeighbourFunction final : public AggregateFunction {
 public:
  NeighbourFunction(Type type, bool increase) : type_(std::move(type)), increase_(increase) {}

  std::size_t state_bytes() const noexcept override { return sizeof(PointList); }
  bool owns_memory() const noexcept override { return true; }
  bool order_sensitive() const noexcept override { return true; }
  bool has_inverse() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    const NumberColumn values(*rows.arguments[0], type_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      const RowOrder order = rows.order(row);
      const Point point{order.event_time, order.arrival, values.number(row)};
      done &= list(to.state(group)).append(&point, 1, *to.heap);
    });
    return done ? Result<void>() : state_is_full();
  }
  /// A row is known by its place; where its place is another than when it was added, by its time and value.
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    const NumberColumn values(*rows.arguments[0], type_);
    rows.each([&](std::uint32_t row, std::size_t group) {
      PointList& points = list(from.state(group));
      const RowOrder order = rows.order(row);
      const auto value = std::bit_cast<std::uint64_t>(values.number(row));
      Point* found = nullptr;
      for (Point* point = points.points; point != points.points + points.size; ++point) {
        if (point->order() == order) {
          found = point;
          break;
        }
        if (point->time == order.event_time && std::bit_cast<std::uint64_t>(point->value) == value) found = point;
      }
      if (found != nullptr) *found = points.points[--points.size];
    });
    return {};
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    const PointList& other = list(from);
    return list(to).append(other.points, other.size, heap) ? Result<void>() : state_is_full();
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    PointList gone{};
    if (!gone.append(list(what).points, list(what).size, heap)) return state_is_full();
    gone.sort();
    list(from).sort();
    list(from).remove(gone.points, gone.size);
    heap.give_back(gone.points, gone.capacity * sizeof(Point));
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    PointList& points = list(state);
    heap.give_back(points.points, points.capacity * sizeof(Point));
    points = {};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override {
    const PointList& points = list(state);
    return std::string_view(reinterpret_cast<const char*>(points.points), points.size * sizeof(Point));
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    return list(state).append(partial.data(), partial.size() / sizeof(Point), heap) ? Result<void>() : state_is_full();
  }

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    PointList& points = list(state);
    points.sort();
    return increase_ ? write_increase(points, heap, to, row) : write_average(points, heap, to, row);
  }

 private:
  static PointList& list(std::byte* state) noexcept { return *reinterpret_cast<PointList*>(state); }
  static const PointList& list(const std::byte* state) noexcept { return *reinterpret_cast<const PointList*>(state); }

  /// What a counter grew by: a step down is a reset, after which all that it counts is growth.
  static Result<void> write_increase(const PointList& list, StateHeap& heap, Vector& to, std::uint32_t row) {
    ExactSum sum{};
    bool done = true;
    for (std::uint32_t i = 1; i < list.size; ++i) {
      const double before = list.points[i - 1].value, value = list.points[i].value;
      if (!std::isfinite(value) || !std::isfinite(before)) {
        done = done && sum.add(value < before ? value : value - before, heap);
        continue;
      }
      done = done && sum.add(value, heap);
      if (value >= before) done = done && sum.subtract(before, heap);
    }
    const double total = sum.value();
    sum.release(heap);
    write_double(to, row, list.size > 1, total);
    return done ? Result<void>() : state_is_full();
  }

  /// Each price holds until the next row; the last one holds no time, unless all rows have the same.
  static Result<void> write_average(const PointList& list, StateHeap& heap, Vector& to, std::uint32_t row) {
    if (list.size == 0) {
      write_double(to, row, false, 0);
      return {};
    }
    const Point &first = list.points[0], &last = list.points[list.size - 1];
    if (first.time == last.time) {
      write_double(to, row, true, last.value);
      return {};
    }
    ExactSum sum{};
    bool done = true;
    for (std::uint32_t i = 1; i < list.size; ++i) {
      const Point &from = list.points[i - 1], &until = list.points[i];
      if (from.time == until.time) continue;
      ExactTerm held;
      held.magnitude = static_cast<std::uint64_t>(until.time) - static_cast<std::uint64_t>(from.time);
      held.value = static_cast<double>(held.magnitude);
      done = done && sum.add_product(ExactTerm::of(from.value), held, false, heap);
    }
    double average = sum.value();
    if (sum.finite()) {
      ExactNumber total;
      sum.get(total);
      average = (total.scaled() / span_of(last.time, first.time).scaled()).value();
    }
    sum.release(heap);
    write_double(to, row, true, average);
    return done ? Result<void>() : state_is_full();
  }

  Type type_;
  bool increase_;
};

AggregateDefinition definition(const char* name, const char* meaning,
                               std::function<AggregateFunctionPtr(const Type&)> make) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(x)";
  made.meaning = meaning;
  made.resolve = [name = made.name](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    WEIR_TRY(check_numbers(name, types));
    return Type::float64();
  };
  made.make = [make = std::move(make)](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return make(call.arguments[0]);
  };
  return made;
}

}  // namespace

void add_time_series(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("RATE", "change a second from the first to the last row; NULL where they have one time",
                          [](const Type& type) { return std::make_shared<RateFunction>(type); }));
  to.push_back(definition("INCREASE", "what a counter grew by, steps down being resets to 0; NULL for one row",
                          [](const Type& type) { return std::make_shared<NeighbourFunction>(type, true); }));
  to.push_back(definition("SLOPE", "slope a second of the least-squares line of x over event time",
                          [](const Type& type) { return std::make_shared<SlopeFunction>(type); }));
  to.push_back(definition("TWAP", "mean of x over event time, each x held until the next row, the last one not at all",
                          [](const Type& type) { return std::make_shared<NeighbourFunction>(type, false); }));
}

}  // namespace weir
