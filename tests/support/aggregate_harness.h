// Tries an aggregate function without an operator around it: random rows go to groups in batches of random sizes, with
// random masks and selections; states are split, combined and sent as partials in random trees; rows are taken out
// again where there is an inverse; all results are compared with an oracle over the rows, and with each other.
//
//   AggregateCase c;
//   c.name = "BOOL_AND";
//   c.arguments = {Type::boolean()};
//   c.row = [](Random& random) { return std::vector{Value{std::int64_t{random.chance(1, 2)}}}; };
//   c.oracle = [](std::span<const AggregateRow> rows) { … return Value{…}; };
//   check_aggregate(c);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/random.h"
#include "weir/pipeline/aggregate.h"
#include "weir/pipeline/aggregate_function.h"
#include "window/state_arena.h"

namespace weir::test {

struct AggregateRow {
  std::vector<Value> arguments;  ///< Null where NULL.
  RowOrder order;
  bool passes = true;  ///< Its FILTER.
  std::uint32_t group = 0;
};

struct AggregateCase {
  std::string name;
  std::vector<Type> arguments;
  std::vector<Value> constants;
  std::vector<AggregateOrder> order;  ///< Of the last order.size() arguments.
  bool distinct = false;
  AggregateDefinitionPtr definition = nullptr;  ///< A host's; null: Weir's own of that name.
  /// Set: the function itself, without a definition; then `result` is its type.
  AggregateFunctionPtr function;
  Type result;
  /// Draws the arguments of a row; the harness puts NULLs in by itself.
  std::function<std::vector<Value>(Random&)> row;
  /// The value over the rows of a group that count, in their order (RowOrder). Rows with a NULL argument are among them
  /// only where the function does not ignore them.
  std::function<Value(std::span<const AggregateRow>)> oracle;
  /// Whether a result is right. Without it: the same value, bit for bit (NaN is NaN).
  std::function<bool(const Value& result, const Value& expected)> right;
  bool same_for_every_plan = true;  ///< All ways to the result give the same bits.
  std::uint32_t nulls_percent = 10;
  std::uint32_t rows_max = 600;  ///< Of a round.
  std::uint32_t groups = 5;      ///< One of them stays empty.
  std::uint32_t inputs = 3;
  std::uint32_t rounds = 30;
  std::int64_t time_range = 50;  ///< Event times are drawn from [0, time_range]: many are equal.
};

inline std::string value_text(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value.data)) {
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", *real);
    return text;
  }
  if (const auto* wide = std::get_if<Int128>(&value.data)) {
    const auto high = static_cast<std::int64_t>(*wide >> 64);
    return std::to_string(high) + ":" + std::to_string(static_cast<std::uint64_t>(*wide));
  }
  if (const auto* text = std::get_if<std::string>(&value.data)) return "'" + *text + "'";
  return "NULL";
}

inline bool same_value(const Value& left, const Value& right) {
  const auto* a = std::get_if<double>(&left.data);
  const auto* b = std::get_if<double>(&right.data);
  if (a == nullptr || b == nullptr) return left.data == right.data;
  if (std::isnan(*a) || std::isnan(*b)) return std::isnan(*a) && std::isnan(*b);
  return std::memcmp(a, b, sizeof *a) == 0;
}

/// A vector with memory of its own.
class OwnVector {
 public:
  OwnVector(Physical physical, std::size_t rows)
      : memory_(static_cast<std::byte*>(std::aligned_alloc(64, round(rows * physical_size(physical))))),
        validity_((rows + 63) / 64 + 1, ~std::uint64_t{0}) {
    std::memset(memory_.get(), 0, round(rows * physical_size(physical)));
    vector.physical = physical;
    vector.data = memory_.get();
    vector.validity = validity_.data();
  }
  void put(std::uint32_t row, const Value& value) {
    vector.set_valid(row, !value.is_null());
    if (value.is_null()) return;
    switch (vector.physical) {
      case Physical::kInt8:
        vector.values<std::int8_t>()[row] = static_cast<std::int8_t>(std::get<std::int64_t>(value.data));
        return;
      case Physical::kInt16:
        vector.values<std::int16_t>()[row] = static_cast<std::int16_t>(std::get<std::int64_t>(value.data));
        return;
      case Physical::kInt32:
        vector.values<std::int32_t>()[row] = static_cast<std::int32_t>(std::get<std::int64_t>(value.data));
        return;
      case Physical::kFloat:
        vector.values<float>()[row] = static_cast<float>(std::get<double>(value.data));
        return;
      case Physical::kDouble:
        vector.values<double>()[row] = std::get<double>(value.data);
        return;
      case Physical::kInt128:
        vector.values<Int128>()[row] = wide(value);
        return;
      case Physical::kString:
        texts_.push_back(std::make_unique<std::string>(std::get<std::string>(value.data)));
        vector.values<StringRef>()[row] = StringRef(*texts_.back());
        return;
      default:
        vector.values<std::int64_t>()[row] = static_cast<std::int64_t>(wide(value));
        return;
    }
  }
  Value get(std::uint32_t row) const {
    if (!vector.is_valid(row)) return {};
    switch (vector.physical) {
      case Physical::kInt8:
        return {std::int64_t{vector.values<std::int8_t>()[row]}};
      case Physical::kInt16:
        return {std::int64_t{vector.values<std::int16_t>()[row]}};
      case Physical::kInt32:
        return {std::int64_t{vector.values<std::int32_t>()[row]}};
      case Physical::kFloat:
        return {static_cast<double>(vector.values<float>()[row])};
      case Physical::kDouble:
        return {vector.values<double>()[row]};
      case Physical::kInt128:
        return {vector.values<Int128>()[row]};
      case Physical::kString:
        return {std::string(vector.values<StringRef>()[row].view())};
      default:
        return {vector.values<std::int64_t>()[row]};
    }
  }
  Vector vector;

 private:
  static Int128 wide(const Value& value) {
    const auto* number = std::get_if<std::int64_t>(&value.data);
    return number != nullptr ? Int128{*number} : std::get<Int128>(value.data);
  }
  static std::size_t round(std::size_t bytes) { return (bytes + 127) / 64 * 64; }
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::vector<std::uint64_t> validity_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

/// States of all groups, with a guard behind each.
class StateTable {
 public:
  StateTable(const AggregateFunction& function, std::uint32_t groups, StateArena& arena)
      : function_(function), groups_(groups), stride_(function.state_bytes() + 8), heap_(arena) {
    EXPECT_EQ(function.state_bytes() % 8, 0u);
    memory_.resize(groups * stride_ / 8);
    for (std::uint32_t g = 0; g < groups; ++g) {
      function.initialize(state(g));
      std::memcpy(state(g) + function.state_bytes(), &kGuard, 8);
    }
  }
  StateTable(const StateTable&) = delete;
  ~StateTable() {
    for (std::uint32_t g = 0; g < groups_; ++g) {
      EXPECT_EQ(std::memcmp(state(g) + function_.state_bytes(), &kGuard, 8), 0) << "written behind a state";
      function_.release(state(g), heap_);
    }
    EXPECT_EQ(heap_.bytes_taken(), 0u) << "release() leaves pieces behind";
  }
  std::byte* state(std::uint32_t group) { return reinterpret_cast<std::byte*>(memory_.data()) + group * stride_; }
  StateHeap& heap() { return heap_; }
  AggregateStates states() { return {state(0), stride_, &heap_}; }

 private:
  static constexpr std::uint64_t kGuard = 0x5ca1ab1e0ddba11u;
  const AggregateFunction& function_;
  std::uint32_t groups_;
  std::size_t stride_;
  std::vector<std::uint64_t> memory_;
  StateHeap heap_;
};

/// One round of an AggregateCase.
class AggregateRound {
 public:
  AggregateRound(const AggregateCase& c, const AggregateFunction& function, const Type& result, std::uint64_t seed)
      : case_(c), function_(function), result_(result), random_(seed), groups_(1) {
    auto made = StateArena::create(std::size_t{1} << 30);
    WEIR_CHECK(made.has_value());
    arena_ = std::move(*made);
    groups_ = random_.chance(1, 4) ? 1 : c.groups;
    draw_rows();
    for (std::uint32_t g = 0; g < groups_; ++g) expected_.push_back(case_.oracle(counted(rows_, g)));
  }

  void check() {
    {
      StateTable one(function_, groups_, arena_);
      expect_done(add(rows_, one, 1, false));
      compare(one, expected_, "rows one by one");
    }
    {
      StateTable one(function_, groups_, arena_);
      expect_done(add(rows_, one, 1024, false));
      compare(one, expected_, "in whole batches");
      compare(one, expected_, "lowered twice");
    }
    check_tree();
    if (function_.has_inverse()) check_inverse();
    if (function_.owns_memory()) check_limit();
  }

 private:
  static void expect_done(const Result<void>& done) { EXPECT_TRUE(done.has_value()) << done.error().to_string(); }
  static void expect_limit(const Result<void>& done) {
    if (done) return;
    EXPECT_EQ(done.error().code(), ErrorCode::kLimitExceeded) << done.error().to_string();
  }

  void draw_rows() {
    const auto count = static_cast<std::uint32_t>(random_.below(case_.rows_max + 1));
    std::vector<std::uint64_t> arrivals(case_.inputs, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      AggregateRow row;
      row.arguments = case_.row(random_);
      for (Value& value : row.arguments)
        if (random_.chance(case_.nulls_percent, 100)) value = {};
      const std::uint64_t input = random_.below(case_.inputs);
      row.order = {random_.between(0, case_.time_range), input << 40 | arrivals[input]++};
      row.passes = !random_.chance(1, 10);
      row.group = groups_ == 1 ? 0 : static_cast<std::uint32_t>(random_.below(groups_ - 1));
      rows_.push_back(std::move(row));
    }
  }

  bool counts(const AggregateRow& row) const {
    const bool has_null = std::any_of(row.arguments.begin(), row.arguments.end(), [](auto& v) { return v.is_null(); });
    return row.passes && !(has_null && function_.ignores_nulls());
  }

  std::vector<AggregateRow> counted(const std::vector<AggregateRow>& rows, std::uint32_t group) const {
    std::vector<AggregateRow> kept;
    for (const AggregateRow& row : rows)
      if (row.group == group && counts(row)) kept.push_back(row);
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
    return kept;
  }

  /// Hands rows over as batches of an input's consecutive arrivals, shuffled among the inputs. Places of arrivals that
  /// are not among the rows stay in the batch, and are not to be added.
  Result<void> add(const std::vector<AggregateRow>& rows, StateTable& to, std::uint32_t batch_max, bool retract) {
    std::vector<std::vector<const AggregateRow*>> by_input(case_.inputs);
    for (const AggregateRow& row : rows) by_input[row.order.arrival >> 40].push_back(&row);
    std::vector<std::size_t> next(case_.inputs, 0);
    for (std::size_t left = rows.size(); left != 0;) {
      const std::size_t input = random_.below(case_.inputs);
      const std::uint64_t span = batch_max == 1 ? 1 : 1 + random_.below(batch_max);
      std::vector<const AggregateRow*> batch;
      for (; next[input] < by_input[input].size(); ++next[input]) {
        const AggregateRow* row = by_input[input][next[input]];
        const std::uint64_t first = batch.empty() ? row->order.arrival : batch[0]->order.arrival;
        if (row->order.arrival - first >= span) break;
        batch.resize(row->order.arrival - first, nullptr);
        batch.push_back(row);
        --left;
      }
      if (batch.empty()) continue;
      Result<void> added = add_batch(batch, to, retract);
      if (!added) return added;
    }
    return {};
  }

  Result<void> add_batch(const std::vector<const AggregateRow*>& batch, StateTable& to, bool retract) {
    const std::size_t count = batch.size();
    std::vector<std::unique_ptr<OwnVector>> columns;
    std::vector<const Vector*> vectors;
    for (const Type& type : case_.arguments) {
      columns.push_back(std::make_unique<OwnVector>(type.physical(), count));
      vectors.push_back(&columns.back()->vector);
    }
    OwnVector times(Physical::kInt64, count);
    std::vector<std::uint32_t> groups, selection;
    std::vector<std::uint64_t> mask(count / 64 + 1, 0);
    bool all = true;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (batch[i] == nullptr) {
        all = false;
        groups.push_back(0);
        continue;
      }
      for (std::size_t a = 0; a < columns.size(); ++a) columns[a]->put(i, batch[i]->arguments[a]);
      times.put(i, Value{batch[i]->order.event_time});
      groups.push_back(batch[i]->group);
      const bool keep = counts(*batch[i]);
      all = all && keep;
      if (keep) mask[i / 64] |= std::uint64_t{1} << (i % 64);
    }
    AggregateRows rows;
    rows.arguments = vectors;
    rows.event_times = &times.vector;
    rows.arrival = batch[0]->order.arrival;
    rows.validity = all ? nullptr : mask.data();
    rows.groups = groups_ == 1 ? nullptr : groups.data();
    rows.count = static_cast<std::uint32_t>(count);
    const auto pass = [&] { return retract ? function_.retract(rows, to.states()) : function_.add(rows, to.states()); };
    if (random_.chance(1, 2)) return pass();
    // The same rows as two selections.
    for (const std::uint32_t part : {0u, 1u}) {
      selection.clear();
      for (std::uint32_t i = 0; i < count; ++i)
        if ((i * 7 % 5 < 2) == (part == 0)) selection.push_back(i);
      rows.selection = selection.data();
      rows.count = static_cast<std::uint32_t>(selection.size());
      if (Result<void> passed = pass(); !passed) return passed;
    }
    return {};
  }

  std::vector<Value> lower(StateTable& table) {
    OwnVector out(result_.physical(), groups_);
    std::vector<Value> values;
    for (std::uint32_t g = 0; g < groups_; ++g) {
      expect_done(function_.lower(table.state(g), table.heap(), out.vector, g));
      values.push_back(out.get(g));
    }
    return values;
  }

  void compare(StateTable& table, const std::vector<Value>& expected, const char* plan) {
    const std::vector<Value> values = lower(table);
    for (std::uint32_t g = 0; g < groups_; ++g) {
      const bool right = case_.right ? case_.right(values[g], expected[g]) : same_value(values[g], expected[g]);
      EXPECT_TRUE(right) << plan << ", group " << g << ": " << value_text(values[g]) << " and not "
                         << value_text(expected[g]);
    }
    if (&expected != &expected_ || !case_.same_for_every_plan) return;
    if (first_.empty()) first_ = values;
    for (std::uint32_t g = 0; g < groups_; ++g)
      EXPECT_TRUE(same_value(values[g], first_[g])) << plan << ", group " << g << ": " << value_text(values[g])
                                                    << ", and another plan gave " << value_text(first_[g]);
  }

  void merge(StateTable& to, StateTable& from) {
    for (std::uint32_t g = 0; g < groups_; ++g) {
      const std::uint64_t way = random_.below(4);
      if (way == 0) {
        OwnVector out(result_.physical(), 1);
        expect_done(function_.lower(from.state(g), from.heap(), out.vector, 0));
      }
      Result<void> done;
      if (way < 2 || &to.heap() == &from.heap()) {
        // States of one heap may be combined; here `from` is brought over first, as a partial into an empty state.
        std::vector<std::uint64_t> memory(function_.state_bytes() / 8 + 1);
        auto* copy = reinterpret_cast<std::byte*>(memory.data());
        function_.initialize(copy);
        send(copy, to.heap(), from, g);
        std::string before = partial_of(copy, to.heap());
        done = function_.combine(to.state(g), copy, to.heap());
        EXPECT_EQ(partial_of(copy, to.heap()), before) << "combine() changes what it takes from";
        function_.release(copy, to.heap());
      } else {
        send(to.state(g), to.heap(), from, g);
      }
      expect_done(done);
    }
  }

  std::string partial_of(const std::byte* state, StateHeap& heap) {
    const Result<std::string_view> bytes = function_.partial(state, heap);
    EXPECT_TRUE(bytes.has_value());
    return bytes ? std::string(*bytes) : std::string();
  }

  void send(std::byte* to, StateHeap& heap, StateTable& from, std::uint32_t group) {
    std::string bytes = " " + partial_of(from.state(group), from.heap());  // not aligned
    expect_done(function_.add_partial(to, std::string_view(bytes).substr(1), heap));
  }

  void check_tree() {
    const std::uint64_t parts = 2 + random_.below(5);
    std::vector<std::vector<AggregateRow>> split(parts);
    for (const AggregateRow& row : rows_) split[random_.below(parts)].push_back(row);
    std::vector<std::unique_ptr<StateTable>> tables;
    for (const auto& rows : split) {
      tables.push_back(std::make_unique<StateTable>(function_, groups_, arena_));
      expect_done(add(rows, *tables.back(), 1 + static_cast<std::uint32_t>(random_.below(100)), false));
    }
    while (tables.size() > 1) {
      std::swap(tables[random_.below(tables.size())], tables.back());
      StateTable& to = *tables[random_.below(tables.size() - 1)];
      merge(to, *tables.back());
      tables.pop_back();
    }
    compare(*tables[0], expected_, "combined in a tree");
  }

  void check_inverse() {
    std::vector<AggregateRow> kept, taken_out;
    for (const AggregateRow& row : rows_) (random_.chance(1, 3) ? taken_out : kept).push_back(row);
    std::vector<Value> expected;
    for (std::uint32_t g = 0; g < groups_; ++g) expected.push_back(case_.oracle(counted(kept, g)));
    {
      StateTable table(function_, groups_, arena_);
      expect_done(add(rows_, table, 64, false));
      expect_done(add(taken_out, table, 64, true));
      compare(table, expected, "rows taken out");
    }
    StateTable table(function_, groups_, arena_);
    StateTable what(function_, groups_, arena_);
    expect_done(add(rows_, table, 64, false));
    expect_done(add(taken_out, what, 64, false));
    for (std::uint32_t g = 0; g < groups_; ++g) {
      std::vector<std::uint64_t> memory(function_.state_bytes() / 8 + 1);
      auto* copy = reinterpret_cast<std::byte*>(memory.data());
      function_.initialize(copy);
      send(copy, table.heap(), what, g);
      expect_done(function_.subtract(table.state(g), copy, table.heap()));
      function_.release(copy, table.heap());
    }
    compare(table, expected, "a state taken out");
  }

  /// With little memory, each step either works or says kLimitExceeded, and what there is can be given back.
  void check_limit() {
    auto made = StateArena::create(4096 * (1 + random_.below(8)));
    ASSERT_TRUE(made.has_value());
    StateArena small = std::move(*made);
    StateTable table(function_, groups_, small);
    StateTable other(function_, groups_, small);
    expect_limit(add(rows_, table, 16, false));
    for (std::uint32_t g = 0; g < groups_; ++g) {
      const Result<std::string_view> bytes = function_.partial(table.state(g), table.heap());
      if (bytes) {
        const std::string copy(*bytes);
        expect_limit(function_.add_partial(other.state(g), copy, other.heap()));
      } else {
        EXPECT_EQ(bytes.error().code(), ErrorCode::kLimitExceeded) << bytes.error().to_string();
      }
      OwnVector out(result_.physical(), 1);
      expect_limit(function_.lower(table.state(g), table.heap(), out.vector, 0));
    }
  }

  const AggregateCase& case_;
  const AggregateFunction& function_;
  const Type& result_;
  Random random_;
  StateArena arena_;
  std::uint32_t groups_;
  std::vector<AggregateRow> rows_;
  std::vector<Value> expected_;
  std::vector<Value> first_;
};

/// The function of a case, by its definition where the case gives none. Fails the test where there is none.
inline AggregateFunctionPtr function_of(const AggregateCase& c, Type& result) {
  result = c.result;
  if (c.function != nullptr) return c.function;
  const AggregateDefinitionPtr definition = c.definition != nullptr ? c.definition : find_aggregate(c.name);
  EXPECT_NE(definition, nullptr) << c.name;
  if (definition == nullptr) return nullptr;
  const std::size_t order_columns = definition->ordered_set ? 0 : c.order.size();
  const std::span<const Type> counted(c.arguments.data(), c.arguments.size() - order_columns);
  Result<Type> resolved = definition->resolve(counted, c.constants);
  EXPECT_TRUE(resolved.has_value()) << resolved.error().to_string();
  if (!resolved) return nullptr;
  result = *resolved;
  AggregateCallInfo info;
  info.name = definition->name;
  info.arguments = c.arguments;
  info.constants = c.constants;
  info.order = c.order;
  info.distinct = c.distinct;
  info.result = result;
  Result<AggregateFunctionPtr> made = definition->make(info);
  EXPECT_TRUE(made.has_value()) << made.error().to_string();
  return made ? *made : nullptr;
}

inline void check_aggregate(const AggregateCase& c) {
  Type result;
  const AggregateFunctionPtr function = function_of(c, result);
  ASSERT_NE(function, nullptr);
  for (std::uint32_t round = 0; round < c.rounds; ++round) {
    SCOPED_TRACE(c.name + ", seed " + std::to_string(round));
    AggregateRound(c, *function, result, round).check();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace weir::test
