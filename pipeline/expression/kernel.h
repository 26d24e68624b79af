// Kernel: one vector step of an expression program, and the loop that most kernels are made of.
//
// A kernel reads operands and writes one value a row of its row range. The program has already set the result's
// validity to the AND of the operands' for strict functions, so map_rows skips NULL rows and a kernel's lambda sees
// values only. An operand may be one value that stands for every row (a literal): its index mask is 0 then.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/pipeline/expression.h"

namespace weir {

class TimeZone;  // zone.h

struct Operand {
  const void* data = nullptr;
  const std::uint64_t* validity = nullptr;
  std::uint32_t mask = ~0u;  ///< 0 where one value stands for every row.

  template <typename T>
  const T& at(std::uint32_t row) const noexcept {
    return static_cast<const T*>(data)[row & mask];
  }
  bool is_constant() const noexcept { return mask == 0; }
  bool is_valid(std::uint32_t row) const noexcept {
    const std::uint32_t index = row & mask;
    return validity == nullptr || ((validity[index >> 6] >> (index & 63)) & 1u) != 0;
  }
};

/// Rows a step works on: rows[0 … count), or 0 … count-1 where rows is null.
struct RowRange {
  const std::uint32_t* rows = nullptr;
  std::uint32_t count = 0;
};

/// What a function keeps between batches: a compiled pattern, a set of constants.
struct ScalarFunctionState {
  virtual ~ScalarFunctionState() = default;
};

/// What is constant within one batch.
struct EvaluationRuntime {
  StringHeap* heap = nullptr;
  TimeZone* zone = nullptr;
  std::int64_t now_ns = 0;
  Watermark watermark = kWatermarkNone;
};

enum class Outcome : std::uint8_t { kValue, kNull, kStop };

struct KernelCall {
  RowRange range;
  std::span<const Operand> arguments;
  Vector* result = nullptr;
  const Expression* expression = nullptr;  ///< The call: types of arguments and result.
  ScalarFunctionState* state = nullptr;
  EvaluationRuntime* runtime = nullptr;

  bool failed = false;
  ErrorCode code = ErrorCode::kOverflow;
  std::uint32_t failed_row = 0;
  std::string message;

  /// Records the error of the row at hand; map_rows fills the row in.
  Outcome fail(ErrorCode error, std::string text) {
    failed = true;
    code = error;
    message = std::move(text);
    return Outcome::kStop;
  }
  Outcome fail_heap() {
    return fail(ErrorCode::kLimitExceeded,
                "the string results of one batch need more than expression_string_bytes_max = " +
                    std::to_string(runtime->heap->capacity()) + " bytes");
  }
  /// Gives `text` as a result, copied to the heap where it does not fit inline.
  Outcome store(StringRef& out, std::string_view text) {
    return runtime->heap->store(text, out) ? Outcome::kValue : fail_heap();
  }
  const Type& argument_type(std::size_t index) const { return expression->arguments[index]->type; }
};

/// A piece of `whole` as a value of its own without a copy: short ones stand inline, longer ones point where whole
/// does. Requires: the piece is longer than StringRef::kInlineMax only where the whole is.
inline StringRef piece_of(std::string_view piece) noexcept {
  return StringRef(piece);
}

/// Calls body(row) for every row of the range that is valid in `validity` (null: all); stops where body gives false.
template <typename Body>
inline void for_rows(RowRange range, const std::uint64_t* validity, Body&& body) {
  const auto valid = [validity](std::uint32_t row) { return ((validity[row >> 6] >> (row & 63)) & 1u) != 0; };
  if (range.rows == nullptr) {
    if (validity == nullptr) {
      for (std::uint32_t row = 0; row < range.count; ++row)
        if (!body(row)) return;
    } else {
      for (std::uint32_t row = 0; row < range.count; ++row)
        if (valid(row) && !body(row)) return;
    }
    return;
  }
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const std::uint32_t row = range.rows[i];
    if (validity != nullptr && !valid(row)) continue;
    if (!body(row)) return;
  }
}

namespace detail {
template <typename R, typename... A, typename F, std::size_t... I>
void map_rows(KernelCall& call, F& f, std::index_sequence<I...>) {
  std::array<Operand, sizeof...(A)> operands{};
  for (std::size_t i = 0; i < sizeof...(A); ++i) operands[i] = call.arguments[i];
  R* out = call.result->values<R>();
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) -> bool {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, R&, const A&...>>) {
      f(out[row], operands[I].template at<A>(row)...);
      return true;
    } else {
      const Outcome outcome = f(out[row], operands[I].template at<A>(row)...);
      if (outcome == Outcome::kValue) [[likely]]
        return true;
      if (outcome == Outcome::kNull) {
        call.result->set_valid(row, false);
        return true;
      }
      call.failed_row = row;
      return false;
    }
  });
}
}  // namespace detail

/// Runs f(result, argument…) for every row with values. f gives nothing, or an Outcome; kNull needs kMayBeNull.
template <typename R, typename... A, typename F>
void map_rows(KernelCall& call, F f) {
  detail::map_rows<R, A...>(call, f, std::index_sequence_for<A...>{});
}

}  // namespace weir
