// LAST_TEXT(text): a host's aggregate for tests. The text of the last row in the order of the input; it depends on that
// order and owns memory, so it asks for all that the engine gives a function.
#pragma once

#include <cstring>
#include <memory>
#include <utility>

#include "weir/core/check.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/function_catalogue.h"

namespace weir::test {

class LastText final : public AggregateFunction {
 public:
  struct State {
    RowOrder order;
    char* bytes;  ///< Null: no row yet.
    std::uint64_t size;
  };

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  bool owns_memory() const noexcept override { return true; }
  bool order_sensitive() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    Result<void> kept;
    rows.each([&](std::uint32_t row, std::size_t group) {
      if (kept)
        kept = keep(to.state(group), rows.order(row), rows.arguments[0]->values<StringRef>()[row].view(), *to.heap);
    });
    return kept;
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    const State& state = *reinterpret_cast<const State*>(from);
    return state.bytes == nullptr ? Result<void>() : keep(to, state.order, {state.bytes, state.size}, heap);
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& kept = at(state);
    to.set_valid(row, kept.bytes != nullptr);
    to.values<StringRef>()[row] =
        kept.bytes == nullptr ? StringRef() : StringRef(std::string_view(kept.bytes, kept.size));
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    State& kept = at(state);
    if (kept.bytes != nullptr) heap.give_back(kept.bytes - sizeof(RowOrder), room(kept.size));
    kept = State{};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    // The order stands right before the text, so that the piece is the partial.
    const State& kept = *reinterpret_cast<const State*>(state);
    (void)heap;
    if (kept.bytes == nullptr) return std::string_view();
    return std::string_view(kept.bytes - sizeof(RowOrder), kept.size + sizeof(RowOrder));
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    if (partial.empty()) return {};
    RowOrder order;
    std::memcpy(&order, partial.data(), sizeof order);
    return keep(state, order, partial.substr(sizeof order), heap);
  }

 private:
  static State& at(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static std::size_t room(std::size_t size) noexcept { return size + sizeof(RowOrder); }

  static Result<void> keep(std::byte* state, RowOrder order, std::string_view text, StateHeap& heap) {
    State& kept = at(state);
    if (kept.bytes != nullptr && order < kept.order) return {};
    auto* piece = static_cast<char*>(heap.take(room(text.size())));
    if (piece == nullptr) return Error(ErrorCode::kLimitExceeded, "the last text does not fit");
    std::memcpy(piece, &order, sizeof order);
    if (!text.empty()) std::memcpy(piece + sizeof order, text.data(), text.size());
    if (kept.bytes != nullptr) heap.give_back(kept.bytes - sizeof(RowOrder), room(kept.size));
    kept = {order, piece + sizeof order, text.size()};
    return {};
  }
};

inline AggregateDefinition last_text_definition() {
  AggregateDefinition definition;
  definition.name = "LAST_TEXT";
  definition.signature = "LAST_TEXT(text)";
  definition.meaning = "the text of the last row";
  definition.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (!arguments[0].is_string()) return Error(ErrorCode::kSqlType, "LAST_TEXT takes a text");
    return Type::string();
  };
  definition.make = [](const AggregateCallInfo&) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<LastText>());
  };
  return definition;
}

/// A catalogue that has it.
inline std::shared_ptr<FunctionCatalogue> last_text_catalogue() {
  auto catalogue = std::make_shared<FunctionCatalogue>();
  const Result<void> added = catalogue->add_aggregate(last_text_definition());
  WEIR_CHECK(added.has_value());
  return catalogue;
}

}  // namespace weir::test
