// See accumulate_exact.h.
#include "window/accumulate_exact.h"

#include "weir/core/string_ref.h"
#include "window/exact_sum.h"

namespace weir {
namespace {

/// Whether all selected rows have the group of the first one; cheap to deny.
bool one_group(const std::uint32_t* groups, const simd::Rows& rows) noexcept {
  if (groups == nullptr || rows.count == 0) return true;
  const std::uint32_t first = groups[rows[0]];
  if (groups[rows[rows.count / 2]] != first || groups[rows[rows.count - 1]] != first) return false;
  for (std::uint32_t i = 0; i < rows.count; ++i)
    if (groups[rows[i]] != first) return false;
  return true;
}

class Sums {
 public:
  Sums(const StateRows& to, std::size_t offset) noexcept
      : base_(to.rows.base + offset), stride_(to.rows.stride), heap_(*to.heap) {}
  ExactSum& operator[](std::size_t group) const noexcept {
    return *reinterpret_cast<ExactSum*>(base_ + group * stride_);
  }
  StateHeap& heap() const noexcept { return heap_; }

 private:
  std::byte* base_;
  std::size_t stride_;
  StateHeap& heap_;
};

template <class T>
bool add_values(const std::uint32_t* groups, const T* values, const simd::Rows& rows, const Sums& sums) noexcept {
  if (one_group(groups, rows)) {
    if (rows.count == 0) return true;
    return sums[groups == nullptr ? 0 : groups[rows[0]]].add_rows(values, rows, sums.heap());
  }
  bool added = true;
  const auto add = [&](std::uint32_t row) {
    added &= sums[groups[row]].add(static_cast<double>(values[row]), sums.heap());
  };
  if (rows.selection == nullptr && rows.validity == nullptr) {
    for (std::uint32_t row = 0; row < rows.count; ++row) add(row);
    return added;
  }
  for (std::uint32_t i = 0; i < rows.count; ++i)
    if (rows.valid(rows[i])) add(rows[i]);
  return added;
}

}  // namespace

bool accumulate_exact(const std::uint32_t* groups, const Vector& values, const simd::Rows& rows, const StateRows& to,
                      std::size_t offset) noexcept {
  const Sums sums(to, offset);
  if (values.physical == Physical::kFloat) return add_values(groups, values.values<float>(), rows, sums);
  if (values.physical == Physical::kDouble) return add_values(groups, values.values<double>(), rows, sums);
  bool added = true;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const std::size_t group = groups == nullptr ? 0 : groups[row];
    added &= sums[group].add_partial(values.values<StringRef>()[row].view(), sums.heap());
  }
  return added;
}

}  // namespace weir
