// APPROX_COUNT_DISTINCT(x [, precision]): HyperLogLog over the hashes of the values, a block of rows at a time.
#include <array>
#include <cmath>
#include <memory>

#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/counted_function.h"
#include "aggregates/hyperloglog.h"
#include "weir/simd/hash.h"

namespace weir {
namespace {

constexpr std::uint32_t kBlock = 256;

void hash_values(const StringRef* keys, const simd::Rows& rows, std::uint64_t* hashes) {
  simd::hash_strings(keys, rows, simd::HashMode::kStart, hashes);
}
void hash_values(const Int128* keys, const simd::Rows& rows, std::uint64_t* hashes) {
  simd::hash_bytes16(keys, rows, simd::HashMode::kStart, hashes);
}
void hash_values(const double* keys, const simd::Rows& rows, std::uint64_t* hashes) {
  simd::hash_doubles(keys, rows, simd::HashMode::kStart, hashes);
}
void hash_values(const float* keys, const simd::Rows& rows, std::uint64_t* hashes) {
  simd::hash_floats(keys, rows, simd::HashMode::kStart, hashes);
}
template <class T>
void hash_values(const T* keys, const simd::Rows& rows, std::uint64_t* hashes) {
  simd::hash_column(keys, rows, simd::HashMode::kStart, hashes);
}

class ApproxCountDistinct : public AggregateFunction {
 public:
  explicit ApproxCountDistinct(unsigned precision) : precision_(precision) {}

  std::size_t state_bytes() const noexcept override { return sizeof(HyperLogLog); }
  std::size_t heap_bytes_max() const noexcept override { return std::size_t{1} << precision_; }
  bool owns_memory() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    switch (rows.arguments[0]->physical) {
      case Physical::kInt8:
        return add_values<std::int8_t>(rows, to);
      case Physical::kInt16:
        return add_values<std::int16_t>(rows, to);
      case Physical::kInt32:
        return add_values<std::int32_t>(rows, to);
      case Physical::kInt128:
        return add_values<Int128>(rows, to);
      case Physical::kFloat:
        return add_values<float>(rows, to);
      case Physical::kDouble:
        return add_values<double>(rows, to);
      case Physical::kString:
        return add_values<StringRef>(rows, to);
      default:
        return add_values<std::int64_t>(rows, to);
    }
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return heap_result(of(to).combine(of(from), precision_, heap));
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    if (to.validity != nullptr) to.set_valid(row, true);
    to.values<std::int64_t>()[row] = std::llround(of(state).estimate(precision_));
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override { of(state).release(precision_, heap); }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override {
    return of(state).partial(precision_);
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    return heap_result(of(state).add_partial(partial, precision_, heap));
  }

 private:
  static HyperLogLog& of(std::byte* state) noexcept { return *reinterpret_cast<HyperLogLog*>(state); }
  static const HyperLogLog& of(const std::byte* state) noexcept { return *reinterpret_cast<const HyperLogLog*>(state); }

  template <class T>
  Result<void> add_values(const AggregateRows& rows, const AggregateStates& to) const {
    const T* values = rows.arguments[0]->values<T>();
    std::array<T, kBlock> gathered;
    std::array<std::uint64_t, kBlock> hashes;
    for (std::uint32_t at = 0; at < rows.count; at += kBlock) {
      const std::uint32_t count = std::min(kBlock, rows.count - at);
      const T* from = values + at;
      std::uint32_t kept = count;
      // NULLs may hold anything, a dangling text too, so they are left out before the hash.
      if (rows.selection != nullptr || rows.validity != nullptr) {
        kept = 0;
        for (std::uint32_t i = at; i < at + count; ++i)
          if (rows.valid(rows.row(i))) gathered[kept++] = values[rows.row(i)];
        from = gathered.data();
      }
      hash_values(from, simd::Rows{kept}, hashes.data());
      if (rows.groups == nullptr) {
        if (!of(to.state(0)).add(hashes.data(), kept, precision_, *to.heap)) return state_heap_full();
        continue;
      }
      std::uint32_t next = 0;
      for (std::uint32_t i = at; i < at + count; ++i) {
        const std::uint32_t row = rows.row(i);
        if (!rows.valid(row)) continue;
        if (!of(to.state(rows.groups[row])).add(&hashes[next++], 1, precision_, *to.heap)) return state_heap_full();
      }
    }
    return {};
  }

  unsigned precision_;
};

}  // namespace

void add_approx_count_distinct(std::vector<AggregateDefinition>& to) {
  AggregateDefinition made;
  made.name = "APPROX_COUNT_DISTINCT";
  made.signature = "APPROX_COUNT_DISTINCT(value [, precision])";
  made.meaning =
      "about how many different values there are (HyperLogLog): standard error 1.04 / sqrt(2^precision), which is 0.81 "
      "% "
      "at the default precision 14, and nearly exact up to a few hundred values; precision is 8 to 18";
  made.arguments_max = 2;
  made.constants_max = 1;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (!has_order(arguments[0]))
      return Error(ErrorCode::kSqlType, "APPROX_COUNT_DISTINCT cannot count " + arguments[0].to_string());
    return Type::of(TypeId::kBigInt, false);
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    unsigned precision = HyperLogLog::kPrecisionDefault;
    if (!call.constants.empty()) {
      WEIR_ASSIGN(precision, constant_whole(call.name, "a precision", call.constants[0], HyperLogLog::kPrecisionMin,
                                            HyperLogLog::kPrecisionMax));
    }
    return AggregateFunctionPtr(std::make_shared<ApproxCountDistinct>(precision));
  };
  to.push_back(std::move(made));
}

}  // namespace weir
