// COLLECT: the multiset of a group's values. There are no vectors of MULTISET, so the result is the text of a JSON
// object from value to how often it is there, in the order of the values.
#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "aggregates/catalogue.h"
#include "aggregates/distinct.h"
#include "aggregates/stored_value.h"

namespace weir {
namespace {

struct Counted {
  StoredValue value;  // without its text
  StringRef text;     // a short one stands here, wherever the entry is moved
  std::uint64_t count;

  StoredValue whole() const noexcept {
    StoredValue copy = value;
    copy.text = text.view();
    return copy;
  }
};

/// | counted set, 24 bytes | text of the last result, its capacity |
class Collect final : public DistinctAggregate {
 public:
  Collect(std::unique_ptr<DistinctSet> set, const AggregateCallInfo& call)
      : DistinctAggregate(std::move(set), DistinctForm::kCounted), type_(call.arguments[0]), once_(call.distinct) {}

  std::size_t state_bytes() const noexcept override { return DistinctSet::kStateBytes + sizeof(Text); }

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    drop_text(state, heap);
    if (to.validity != nullptr) to.set_valid(row, true);
    to.values<StringRef>()[row] = StringRef();
    const std::uint64_t size = DistinctSet::size(state);
    auto* values = static_cast<Counted*>(heap.take((size + 1) * sizeof(Counted)));
    if (values == nullptr) return full();
    std::uint64_t count = 0;
    Result<void> read =
        set().each(state, heap, [&](const AggregateRows& rows, const std::uint64_t* counts) -> Result<void> {
          const Vector& column = *rows.arguments[0];
          for (std::uint32_t i = 0; i < rows.count; ++i) {
            const bool texts = column.physical == Physical::kString;
            const StringRef text = texts ? column.values<StringRef>()[i] : StringRef();
            ::new (values + count++) Counted{StoredValue::of(column, i), text, counts[i]};
          }
          return {};
        });
    TextBuffer text(heap);
    if (read) write({values, size}, text);
    heap.give_back(values, (size + 1) * sizeof(Counted));
    const Text kept{text.memory(), text.capacity()};
    std::memcpy(state + DistinctSet::kStateBytes, &kept, sizeof kept);
    WEIR_TRY(std::move(read));
    if (!text.whole()) return full();
    to.values<StringRef>()[row] = StringRef(text.text());
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    drop_text(state, heap);
    DistinctAggregate::release(state, heap);
  }

 private:
  struct Text {
    char* memory;
    std::size_t capacity;
  };

  static Error full() {
    return Error(ErrorCode::kLimitExceeded, "the result of COLLECT takes more than state_bytes_max");
  }
  static void drop_text(std::byte* state, StateHeap& heap) noexcept {
    Text text;
    std::memcpy(&text, state + DistinctSet::kStateBytes, sizeof text);
    heap.give_back(text.memory, text.capacity);
    text = {};
    std::memcpy(state + DistinctSet::kStateBytes, &text, sizeof text);
  }

  void write(std::span<Counted> values, TextBuffer& to) const noexcept {
    const Physical physical = type_.physical();
    std::sort(values.begin(), values.end(), [physical](const Counted& a, const Counted& b) {
      return StoredValue::compare(physical, a.whole(), b.whole()) < 0;
    });
    to.put('{');
    for (const Counted& entry : values) {
      if (&entry != values.data()) to.put(',');
      put_json_key(type_, entry.whole(), to);
      to.put(':');
      put_json(Type::bigint(), {true, once_ ? Int128{1} : Int128{entry.count}, 0, {}}, to);
    }
    to.put('}');
  }

  Type type_;
  bool once_;
};

}  // namespace

void add_collect(std::vector<AggregateDefinition>& to) {
  AggregateDefinition made;
  made.name = "COLLECT";
  made.signature = "COLLECT(x)";
  made.meaning = "the values that are not NULL and how often each is there, as the text of a JSON object by value";
  made.distinct_allowed = true;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (arguments[0].physical() == Physical::kNested || arguments[0].id == TypeId::kNull)
      return Error(ErrorCode::kSqlType, "COLLECT takes no value of type " + arguments[0].to_string());
    Type type = Type::string();
    type.nullable = false;
    return type;
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    WEIR_ASSIGN(auto set, DistinctSet::make(call.arguments, DistinctForm::kCounted));
    return AggregateFunctionPtr(std::make_shared<Collect>(std::move(set), call));
  };
  to.push_back(std::move(made));
}

}  // namespace weir
