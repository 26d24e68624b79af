// Syntax tree: what the text says, before names and types are looked up. Trees are plain values; two are equal when
// they say the same, wherever it stood in the text, so that parse(print(tree)) == tree can be a test.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weir/pipeline/expression.h"

namespace weir::sql {

/// Bytes of the text. All spans are equal: a tree's meaning does not depend on its place.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) noexcept { return true; }
  operator SourceSpan() const noexcept { return {begin, end}; }  // NOLINT: a Span is one
};

/// Height of a tree, kept for the depth limit; no part of its meaning.
struct Height {
  std::uint32_t value = 1;
  friend bool operator==(const Height&, const Height&) noexcept { return true; }
};

/// An owned T with value semantics, or nothing; lets a tree hold itself.
template <typename T>
class Box {
 public:
  Box() = default;
  Box(T value) : pointer_(std::make_unique<T>(std::move(value))) {}  // NOLINT: a T is a Box of it
  Box(const Box& other) : pointer_(other.pointer_ ? std::make_unique<T>(*other.pointer_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) pointer_ = other.pointer_ ? std::make_unique<T>(*other.pointer_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;
  explicit operator bool() const noexcept { return pointer_ != nullptr; }
  T& operator*() noexcept { return *pointer_; }
  const T& operator*() const noexcept { return *pointer_; }
  T* operator->() noexcept { return pointer_.get(); }
  const T* operator->() const noexcept { return pointer_.get(); }
  friend bool operator==(const Box& a, const Box& b) {
    return a.pointer_ && b.pointer_ ? *a.pointer_ == *b.pointer_ : !a.pointer_ && !b.pointer_;
  }

 private:
  std::unique_ptr<T> pointer_;
};

struct Name {
  std::string text;
  Span span;
  bool operator==(const Name&) const = default;
};
using Path = std::vector<Name>;  // a.b.c

struct TypeName {
  std::string name;  // canonical, upper case: INT, DECIMAL, TIMESTAMP_LTZ, ROW, ARRAY, MAP, INTERVAL
  int precision = -1;
  int scale = -1;
  std::string from_unit, to_unit;  // INTERVAL
  bool not_null = false;
  std::vector<Name> field_names;   // ROW
  std::vector<TypeName> children;  // ROW, ARRAY, MAP
  Span span;
  bool operator==(const TypeName&) const = default;
};

struct Query;
struct Over;
struct SortItem;

struct Expr {
  enum class Kind : std::uint8_t {
    kNumber,       // text
    kString,       // text: the value
    kBytes,        // text: the value
    kTrue,         // —
    kFalse,        // —
    kNull,         // —
    kDate,         // text
    kTime,         // text
    kTimestamp,    // text
    kInterval,     // text, unit, unit2 (to), negated
    kName,         // path
    kStar,         // path: table of t.*, or empty
    kUnary,        // text: + -
    kBinary,       // text: the operator; 2 children
    kAnd,          // 2 or more children; the first is no AND
    kOr,           // 2 or more children; the first is no OR
    kNot,          // 1 child
    kIs,           // text: NULL TRUE FALSE UNKNOWN; negated
    kDistinct,     // IS [NOT] DISTINCT FROM; 2 children
    kBetween,      // 3 children; negated, flag: SYMMETRIC
    kIn,           // value, list …; negated
    kInQuery,      // value, query; negated
    kExists,       // query
    kSubquery,     // query
    kLike,         // text: LIKE or SIMILAR TO; value, pattern [, escape]; negated
    kCase,         // flag: first child is the operand; when, then, …[, else] (odd tail)
    kCast,         // 1 child, type; flag: TRY_CAST
    kCall,         // text: upper-case name; children; flag: DISTINCT; star: (*); order; filter; over; unit: "", IGNORE
                   // or RESPECT (NULLS); unit2: digits of LIMIT inside the call
    kExtract,      // unit; 1 child
    kRound,        // text: FLOOR or CEIL; unit; 1 child
    kTimestampOp,  // text: TIMESTAMPADD or TIMESTAMPDIFF; unit; 2 children
    kTrim,         // unit: BOTH LEADING TRAILING; [chars,] string
    kRow,          // children
    kArray,        // children
    kMap,          // children: key, value, …
    kIndex,        // value, index
    kField,        // child . path[0]
    kGrouping,     // text: ROLLUP CUBE GROUPING SETS; children
  };
  Kind kind = Kind::kNull;
  std::string text;
  std::string unit, unit2;
  bool negated = false;
  bool flag = false;
  bool star = false;
  Path path;
  std::vector<Expr> children;
  std::vector<SortItem> order;  // ORDER BY inside the call, or WITHIN GROUP (ORDER BY …), which means the same
  std::vector<Expr> filter;     // none or one
  Box<TypeName> type;
  Box<Query> query;
  Box<Over> over;
  Span span;
  Height height;
  bool operator==(const Expr&) const;
};

struct SortItem {
  Expr expr;
  bool descending = false;
  std::string nulls;  // "", FIRST, LAST
  bool operator==(const SortItem&) const = default;
};

struct FrameBound {
  std::string kind;         // PRECEDING, FOLLOWING, CURRENT ROW
  std::vector<Expr> value;  // none: UNBOUNDED
  bool operator==(const FrameBound&) const = default;
};

/// OVER (…) or a WINDOW clause's definition.
struct Over {
  std::optional<Name> reference;  // OVER w, or the base of OVER (w …)
  bool by_name = false;           // without parentheses
  std::vector<Expr> partition_by;
  std::vector<SortItem> order_by;
  std::string frame;  // "", ROWS, RANGE
  std::vector<FrameBound> bounds;
  bool operator==(const Over&) const = default;
};

struct Option {
  std::string key, value;
  Span key_span, value_span;
  bool operator==(const Option&) const = default;
};

struct TableRef;

/// An argument of a table function.
struct TableArgument {
  enum class Kind : std::uint8_t { kTable, kDescriptor, kExpr };
  Kind kind = Kind::kExpr;
  std::string name;                // upper case, of `name => …`
  Box<TableRef> table;             // kTable
  std::vector<Expr> partition_by;  // kTable
  std::vector<SortItem> order_by;  // kTable
  Path columns;                    // kDescriptor
  std::vector<Expr> expr;          // kExpr: one
  Span span;
  bool operator==(const TableArgument&) const;
};

struct TableRef {
  enum class Kind : std::uint8_t { kTable, kQuery, kFunction, kUnnest, kJoin, kMatch };
  Kind kind = Kind::kTable;
  Path path;                             // kTable
  std::vector<Option> options;           // kTable: /*+ OPTIONS(…) */
  std::vector<Expr> system_time;         // kTable: FOR SYSTEM_TIME AS OF, none or one
  Box<Query> query;                      // kQuery
  std::string function;                  // kFunction: upper case
  std::vector<TableArgument> arguments;  // kFunction
  std::vector<Expr> unnest;              // kUnnest: one
  bool with_ordinality = false;          // kUnnest
  bool lateral = false;
  std::string join;              // kJoin: INNER, LEFT, RIGHT, FULL, CROSS, COMMA, …
  bool natural = false;          // kJoin
  std::vector<TableRef> inputs;  // kJoin: two; kMatch: one
  std::vector<Expr> condition;   // kJoin: ON, none or one
  Path using_columns;            // kJoin
  std::string raw;               // kMatch: the tokens between the parentheses
  std::optional<Name> alias;
  Path column_aliases;
  Span span;
  Height height;
  bool operator==(const TableRef&) const = default;
};

struct SelectItem {
  Expr expr;
  std::optional<Name> alias;
  bool operator==(const SelectItem&) const = default;
};

struct NamedWindow {
  Name name;
  Over over;
  bool operator==(const NamedWindow&) const = default;
};

struct Select {
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<TableRef> from;  // none or one
  std::vector<Expr> where;     // none or one, as having and qualify
  bool grouped = false;
  std::vector<Expr> group_by;
  std::vector<Expr> having;
  std::vector<NamedWindow> windows;
  std::vector<Expr> qualify;
  bool operator==(const Select&) const = default;
};

struct Cte;

struct Query {
  enum class Kind : std::uint8_t { kSelect, kValues, kSetOperation, kNested };
  Kind kind = Kind::kSelect;
  std::vector<Cte> with;
  Select select;              // kSelect
  std::vector<Expr> rows;     // kValues
  std::string operation;      // kSetOperation: UNION ALL, …
  std::vector<Query> inputs;  // kSetOperation: two; kNested: one
  std::vector<SortItem> order_by;
  std::vector<Expr> limit, offset;
  Span span;
  Height height;
  bool operator==(const Query&) const;
};

struct Cte {
  Name name;
  Path columns;
  Query query;
  bool operator==(const Cte&) const = default;
};

struct ColumnDefinition {
  enum class Kind : std::uint8_t { kPhysical, kComputed, kMetadata };
  Kind kind = Kind::kPhysical;
  Name name;
  TypeName type;           // kPhysical, kMetadata
  std::vector<Expr> expr;  // kComputed: one
  std::optional<std::string> metadata_key;
  bool is_virtual = false;   // kMetadata
  bool primary_key = false;  // PRIMARY KEY at the column
  std::optional<std::string> comment;
  Span span;
  bool operator==(const ColumnDefinition&) const = default;
};

struct WatermarkDefinition {
  Path column;
  Expr expr;
  Span span;
  bool operator==(const WatermarkDefinition&) const = default;
};

struct CreateTable {
  bool temporary = false;
  bool if_not_exists = false;
  Path path;
  std::vector<ColumnDefinition> columns;
  std::vector<WatermarkDefinition> watermarks;
  Path primary_key;
  bool enforced = false;  // PRIMARY KEY without NOT ENFORCED
  std::optional<std::string> comment;
  Path partitioned_by;
  std::vector<Option> options;
  std::string like;  // LIKE …: its tokens
  Box<Query> as;     // CREATE TABLE … AS query
  Span like_span, partition_span, key_span;
  bool operator==(const CreateTable&) const = default;
};

struct CreateView {
  bool temporary = false;
  bool if_not_exists = false;
  Path path;
  Path columns;
  std::optional<std::string> comment;
  Query query;
  bool operator==(const CreateView&) const = default;
};

struct Drop {
  bool temporary = false;
  bool view = false;
  bool if_exists = false;
  Path path;
  bool operator==(const Drop&) const = default;
};

struct Set {
  std::string key, value;
  Span key_span, value_span;
  bool operator==(const Set&) const = default;
};

struct Reset {
  std::optional<std::string> key;
  Span key_span;
  bool operator==(const Reset&) const = default;
};

struct Insert {
  Path path;
  std::vector<Option> options;  // hint
  Path columns;
  Query query;
  std::string on_conflict;  // "", NOTHING, ERROR, DEDUPLICATE
  Span span;
  bool operator==(const Insert&) const = default;
};

struct StatementSet {
  std::vector<Insert> inserts;
  bool operator==(const StatementSet&) const = default;
};

struct Explain {
  std::vector<std::string> details;
  std::variant<Query, Insert, StatementSet> subject;
  bool operator==(const Explain&) const = default;
};

struct Statement {
  std::variant<Query, CreateTable, CreateView, Drop, Set, Reset, Insert, StatementSet, Explain> body;
  bool broken = false;  // had errors: only its name may be trusted
  Span span;
  bool operator==(const Statement&) const = default;
};

struct Script {
  std::vector<Statement> statements;
  std::vector<std::string> notes;
  bool operator==(const Script& other) const { return statements == other.statements; }
};

/// Appends `right` to an n-ary AND or OR, the form that the parser makes of a chain.
Expr make_logical(Expr::Kind kind, Expr left, Expr right);

}  // namespace weir::sql
