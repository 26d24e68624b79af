// User functions: a host's C++ as a scalar function of SQL.
//
//   catalogue.add_function("MID", [](double bid, double ask) { return (bid + ask) / 2; });   (function_catalogue.h)
//   … SELECT MID(bid, ask) FROM quotes
//
// Parameters and results are bool (BOOLEAN), std::int32_t (INT), std::int64_t (BIGINT), double (DOUBLE) and
// std::string_view (STRING; a result may be a std::string too, which is copied). A result of std::optional may be NULL.
// A row with a NULL argument gives NULL and is not asked. The function is to give the same value for the same
// arguments: it may be called for any row, in any order, by several shards at once, or once for a constant. What it
// throws ends the job with kUserFunction. It is called through no pointer for each row: the loop is the template's.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/string_ref.h"

namespace weir {

/// One batch of a call, as a registered loop sees it.
struct FunctionCall {
  struct Argument {
    const void* data = nullptr;
    std::uint32_t mask = ~0u;  ///< 0 where one value stands for every row.
  };
  const Argument* arguments = nullptr;
  const std::uint32_t* rows = nullptr;  ///< Null: 0 … count - 1.
  std::uint32_t count = 0;
  Vector* result = nullptr;
  StringHeap* heap = nullptr;
  bool failed = false;
  std::uint32_t failed_row = 0;
  ErrorCode code = ErrorCode::kUserFunction;
  std::string message;

  void fail(std::uint32_t row, ErrorCode error, std::string text) {
    failed = true;
    failed_row = row;
    code = error;
    message = std::move(text);
  }
};

/// How a function is known. FunctionCatalogue::add_function makes it of a callable.
struct FunctionDefinition {
  std::string name;        ///< An identifier; SQL finds it in any case.
  std::string parameters;  ///< One letter each: b BOOLEAN, i INT, l BIGINT, d DOUBLE, s STRING.
  char result = 'd';
  bool may_be_null = false;
  std::string meaning;  ///< One sentence, for the reference.
  std::function<void(FunctionCall&)> loop;
};

namespace detail {

template <typename T>
struct FunctionType {};
template <>
struct FunctionType<bool> {
  static constexpr char kLetter = 'b';
  using Stored = std::int8_t;
};
template <>
struct FunctionType<std::int32_t> {
  static constexpr char kLetter = 'i';
  using Stored = std::int32_t;
};
template <>
struct FunctionType<std::int64_t> {
  static constexpr char kLetter = 'l';
  using Stored = std::int64_t;
};
template <>
struct FunctionType<double> {
  static constexpr char kLetter = 'd';
  using Stored = double;
};
template <>
struct FunctionType<std::string_view> {
  static constexpr char kLetter = 's';
  using Stored = StringRef;
};
template <>
struct FunctionType<std::string> : FunctionType<std::string_view> {};
template <typename T>
struct FunctionType<std::optional<T>> : FunctionType<T> {};

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
T function_argument(const FunctionCall::Argument& argument, std::uint32_t row) {
  const auto& stored = static_cast<const typename FunctionType<T>::Stored*>(argument.data)[row & argument.mask];
  if constexpr (std::is_same_v<T, bool>) {
    return stored != 0;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return stored.view();
  } else {
    return stored;
  }
}

/// Returns false where text does not fit.
template <typename T>
bool store_result(FunctionCall& call, std::uint32_t row, const T& value) {
  if constexpr (kIsOptional<T>) {
    if (value.has_value()) return store_result(call, row, *value);
    call.result->set_valid(row, false);
    return true;
  } else {
    auto& out = call.result->template values<typename FunctionType<T>::Stored>()[row];
    if constexpr (FunctionType<T>::kLetter == 's') {
      return call.heap->store(value, out);
    } else {
      out = static_cast<typename FunctionType<T>::Stored>(value);
      return true;
    }
  }
}

template <typename F, typename R, typename... A, std::size_t... I>
void call_rows(const F& function, FunctionCall& call, std::index_sequence<I...>) {
  std::uint32_t row = 0;
  try {
    for (std::uint32_t i = 0; i < call.count; ++i) {
      row = call.rows == nullptr ? i : call.rows[i];
      if (call.result->validity != nullptr && !call.result->is_valid(row)) continue;
      if (store_result<R>(call, row, function(function_argument<A>(call.arguments[I], row)...))) continue;
      call.fail(row, ErrorCode::kLimitExceeded, "the text results of one batch take more than heap_bytes");
      return;
    }
  } catch (const std::exception& exception) {
    call.fail(row, ErrorCode::kUserFunction, exception.what());
  } catch (...) {
    call.fail(row, ErrorCode::kUserFunction, "the function threw");
  }
}

template <typename F, typename R, typename... A>
FunctionDefinition define_function(std::string name, F function, R (F::*)(A...) const) {
  FunctionDefinition definition;
  definition.name = std::move(name);
  definition.parameters = {FunctionType<std::decay_t<A>>::kLetter...};
  definition.result = FunctionType<R>::kLetter;
  definition.may_be_null = kIsOptional<R>;
  definition.loop = [function = std::move(function)](FunctionCall& call) {
    call_rows<F, R, std::decay_t<A>...>(function, call, std::index_sequence_for<A...>{});
  };
  return definition;
}

}  // namespace detail

}  // namespace weir
