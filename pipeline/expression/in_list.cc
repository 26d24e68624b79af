// IN over a list of literals. Up to a handful of numbers are compared one after the other, which is faster than any
// table; more are found by binary search over the sorted list, strings too.
#include "expression/in_list.h"

#include <algorithm>
#include <vector>

#include "weir/core/check.h"

namespace weir {

namespace {

constexpr std::size_t kScanMax = 8;

template <typename T>
struct ListState final : ScalarFunctionState {
  std::vector<T> values;
};

template <typename T>
T literal_value(const Value& value) {
  if constexpr (std::is_same_v<T, StringRef>)
    return StringRef(std::get<std::string>(value.data));
  else if constexpr (std::is_same_v<T, Int128>)
    return std::get<Int128>(value.data);
  else
    return std::holds_alternative<Int128>(value.data) ? static_cast<T>(std::get<Int128>(value.data))
                                                      : static_cast<T>(std::get<std::int64_t>(value.data));
}

template <typename T>
Result<std::unique_ptr<ScalarFunctionState>> prepare_list(const Expression& call) {
  auto state = std::make_unique<ListState<T>>();
  for (std::size_t i = 1; i < call.arguments.size(); ++i)
    state->values.push_back(literal_value<T>(call.arguments[i]->literal));
  std::sort(state->values.begin(), state->values.end());
  return std::unique_ptr<ScalarFunctionState>(std::move(state));
}

template <typename T>
void in_kernel(KernelCall& call) {
  const std::vector<T>& values = static_cast<const ListState<T>*>(call.state)->values;
  const auto find = [&values](const T& needle) {
    if (values.size() <= kScanMax) return std::find(values.begin(), values.end(), needle) != values.end();
    return std::binary_search(values.begin(), values.end(), needle);
  };
  map_rows<std::int8_t, T>(call, [&find](std::int8_t& out, const T& needle) { out = find(needle) ? 1 : 0; });
}

template <typename T>
constexpr ScalarFunction in_overload() {
  return {"IN", "aa*", 'b', &in_kernel<T>, 0, nullptr, &prepare_list<T>};
}

constexpr ScalarFunction kInt8 = in_overload<std::int8_t>();
constexpr ScalarFunction kInt16 = in_overload<std::int16_t>();
constexpr ScalarFunction kInt32 = in_overload<std::int32_t>();
constexpr ScalarFunction kInt64 = in_overload<std::int64_t>();
constexpr ScalarFunction kInt128 = in_overload<Int128>();
constexpr ScalarFunction kString = in_overload<StringRef>();

}  // namespace

bool in_list_takes(const Type& type) noexcept {
  return !type.is_float() && type.physical() != Physical::kNested;
}

const ScalarFunction& in_list_function(Physical physical) {
  switch (physical) {
    case Physical::kInt8:
      return kInt8;
    case Physical::kInt16:
      return kInt16;
    case Physical::kInt32:
      return kInt32;
    case Physical::kInt64:
      return kInt64;
    case Physical::kInt128:
      return kInt128;
    default:
      WEIR_CHECK(physical == Physical::kString);
      return kString;
  }
}

}  // namespace weir
