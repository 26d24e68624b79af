// RowListFunction: what aggregates share that list the rows of a group in an order: LISTAGG, ARRAY_AGG, JSON_ARRAYAGG,
// JSON_OBJECTAGG.
//
//   state, 40 bytes    | rows* | bytes used | capacity | result* | capacity |
//   rows, one behind another   | bytes u32 | order at u32 | event time | arrival | value … | order key … |
//
// Rows are kept as they come; lower() sorts them by the keys of ORDER BY and then by RowOrder, so that the result is
// the same for every layout over shards. A partial is the rows as they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aggregates/stored_value.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

class RowListFunction : public AggregateFunction {
 public:
  std::size_t state_bytes() const noexcept override;
  bool owns_memory() const noexcept override { return true; }
  bool order_sensitive() const noexcept override { return true; }
  bool ignores_nulls() const noexcept override { return false; }  // a NULL order key is no reason to leave a row out

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override;
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override;
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override;
  void release(std::byte* state, StateHeap& heap) const noexcept override;
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override;
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override;

 protected:
  /// What is listed of a row.
  struct Listed {
    StoredValue values[2];
  };
  /// `limit`: how many rows of the result stand, from its front; 0: all. Those behind are given up as the list grows.
  explicit RowListFunction(const AggregateCallInfo& call, std::size_t limit = 0);

  const Type& type(std::size_t value) const noexcept { return types_[value]; }
  /// Whether a row stands in the list at all. Errors: kValueOutOfRange.
  virtual Result<bool> takes(const Listed& row) const = 0;
  /// Rows of which only one stands in the result compare equal; `last_wins` says which. False: all rows stand.
  virtual bool merges() const noexcept { return distinct_; }
  virtual bool last_wins() const noexcept { return false; }
  /// Whether a list without rows has a result; else it is NULL.
  virtual bool empty_has_result() const noexcept { return false; }
  virtual void open(TextBuffer&) const noexcept {}
  virtual void put(const Listed& row, bool first, TextBuffer& to) const noexcept = 0;
  virtual void close(TextBuffer&) const noexcept {}

 private:
  struct State;
  Result<void> append(State& state, std::size_t bytes, StateHeap& heap, char*& at) const;
  Result<void> prune(State& state, StateHeap& heap) const;
  Listed listed(const char* row) const noexcept;
  bool same_value(const char* a, const char* b) const noexcept { return compare_values(a, b) == 0; }
  int compare_values(const char* a, const char* b) const noexcept;
  bool before(const char* a, const char* b) const noexcept;
  std::span<const char*> sorted(const State& state, const char** index) const noexcept;

  std::vector<Type> types_;  // listed, then order keys
  std::vector<AggregateOrder> order_;
  std::size_t values_ = 1;
  bool distinct_ = false;
  std::size_t limit_ = 0;  // rows of the result at most; 0: all
};

}  // namespace weir
