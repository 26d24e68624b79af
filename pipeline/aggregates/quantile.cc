// Exact quantiles over counts of values: PERCENTILE(x, f), PERCENTILE_CONT and MEDIAN interpolate between neighbours as
// Flink and PostgreSQL do; PERCENTILE_DISC gives a value that is there. Rows can be taken out again.
//
// Place, with n values in order v[0] … v[n - 1], f as the decimal number that was written:
//   CONT   p = f (n - 1), between v[floor p] and its neighbour       DISC   the first v[i] with (i + 1) / n >= f
// DESC counts from the other end. NaN is the greatest value.
#include <algorithm>
#include <cmath>
#include <memory>

#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/counted_function.h"

namespace weir {
namespace {

/// The key at a rank of the entries' values, in order. Puts entries in another order. Requires: rank < their total.
template <class Entry>
auto key_at(Entry* begin, Entry* end, std::int64_t rank) noexcept {
  while (end - begin > 1) {
    Entry* const middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, [](const Entry& a, const Entry& b) { return a.key < b.key; });
    std::int64_t below = 0;
    for (const Entry* entry = begin; entry < middle; ++entry) below += entry->count;
    if (rank < below) {
      end = middle;
    } else {
      rank -= below;
      begin = middle;
      if (rank < begin->count) return begin->key;
    }
  }
  return begin->key;
}

double between(double low, double high, double share) noexcept {
  if (low == high || (std::isnan(low) && std::isnan(high))) return low;
  const double distance = high - low;
  if (std::isfinite(low) && std::isfinite(high) && !std::isfinite(distance)) return low * (1 - share) + high * share;
  return low + distance * share;
}

struct QuantileCall {
  Type type;
  ExactFraction fraction;
  bool descending;
};

template <class K>
class ContinuousQuantile : public CountedFunction<K> {
 public:
  explicit ContinuousQuantile(const QuantileCall& call) : call_(call) {}

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    if constexpr (!std::is_same_v<K, StringRef>) {
      const CopiedCounts<K> values(this->of(state).counts, heap);
      if (values.heap_full()) return state_heap_full();
      to.set_valid(row, values.size() != 0);
      if (values.size() == 0) return {};
      const Int128 place = Int128{values.total() - 1} * call_.fraction.numerator;
      const auto floor = static_cast<std::int64_t>(place / call_.fraction.denominator);
      const auto rest = static_cast<double>(place % call_.fraction.denominator);
      const std::int64_t rank = call_.descending ? values.total() - 1 - floor : floor;
      const double value = number_of_key(key_at(values.begin(), values.end(), rank), call_.type);
      double result = value;
      if (rest != 0) {
        const K next = key_at(values.begin(), values.end(), call_.descending ? rank - 1 : rank + 1);
        result =
            between(value, number_of_key(next, call_.type), rest / static_cast<double>(call_.fraction.denominator));
      }
      to.values<double>()[row] = result;
    }
    return {};
  }

 private:
  QuantileCall call_;
};

template <class K>
class DiscreteQuantile : public CountedFunction<K> {
 public:
  explicit DiscreteQuantile(const QuantileCall& call) : call_(call) {}

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    const CopiedCounts<K> values(this->of(state).counts, heap);
    if (values.heap_full()) return state_heap_full();
    to.set_valid(row, false);
    if (values.size() == 0) return {};
    const Int128 place = Int128{values.total()} * call_.fraction.numerator;
    const Int128 first = (place + call_.fraction.denominator - 1) / call_.fraction.denominator;
    const std::int64_t rank = std::max<std::int64_t>(static_cast<std::int64_t>(first), 1) - 1;
    put_key(key_at(values.begin(), values.end(), call_.descending ? values.total() - 1 - rank : rank), to, row);
    return {};
  }

 private:
  QuantileCall call_;
};

Result<AggregateFunctionPtr> make(const AggregateCallInfo& call, bool discrete) {
  double fraction = 0.5;
  if (!call.constants.empty()) {
    WEIR_ASSIGN(fraction, constant_fraction(call.name, call.constants[0]));
  }
  const bool descending = !call.order.empty() && call.order[0].descending;
  const QuantileCall made{call.arguments[0], ExactFraction::of(fraction), descending};
  return discrete ? make_for_keys<DiscreteQuantile>(made.type, made)
                  : make_for_keys<ContinuousQuantile>(made.type, made);
}

AggregateDefinition definition(const char* name, const char* signature, const char* meaning, std::uint32_t arguments,
                               bool discrete) {
  AggregateDefinition made;
  made.name = name;
  made.signature = signature;
  made.meaning = meaning;
  made.arguments_min = made.arguments_max = arguments;
  made.constants_max = arguments - 1;
  made.ordered_set = std::string_view(name).starts_with("PERCENTILE_");
  made.resolve = [made, discrete](std::span<const Type> arguments_of, std::span<const Value>) -> Result<Type> {
    const Type& type = arguments_of[0];
    if (!discrete) {
      WEIR_TRY(require_number(made.name, type));
      return Type::float64();
    }
    if (!has_order(type))
      return Error(ErrorCode::kSqlType, made.name + " takes values in an order, not " + type.to_string());
    Type result = type;
    result.nullable = true;
    return result;
  };
  made.make = [discrete](const AggregateCallInfo& call) { return make(call, discrete); };
  return made;
}

}  // namespace

void add_quantile(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("PERCENTILE", "PERCENTILE(number, fraction)",
                          "the exact value at a fraction of the rows, between its neighbours where there is none", 2,
                          false));
  to.push_back(definition("PERCENTILE_CONT", "PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY number)",
                          "PERCENTILE by the standard's name", 2, false));
  to.push_back(definition("PERCENTILE_DISC", "PERCENTILE_DISC(fraction) WITHIN GROUP (ORDER BY value)",
                          "the first value, in order, at which that fraction of the rows is reached", 2, true));
  to.push_back(definition("MEDIAN", "MEDIAN(number)", "PERCENTILE(number, 0.5)", 1, false));
}

}  // namespace weir
