// Binder: a syntax tree to a JobPlan. Names are looked up, types are found, and every rule of the dialect that a plan
// depends on is checked here, so that the planner gets plans that have a meaning.
//
// A bind_ method that fails has reported why and gives null; callers go on with what does not depend on it, so that
// one run tells about several mistakes, and never twice about one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ast.h"
#include "diagnostics.h"
#include "options.h"
#include "scope.h"

namespace weir::sql {

/// Most columns of a relation, and most nodes of a query's plan: views over views are bounded by them.
inline constexpr std::size_t kColumnsMax = 4096;
inline constexpr std::size_t kPlanNodesMax = 256;

/// The aggregate calls of one SELECT, each once. While its expressions are bound, call i stands as column base + i.
struct AggregateList {
  std::uint32_t base = 0;
  std::vector<AggregateCall> calls;
};

/// What expressions are bound against.
struct ExprScope {
  const Relation* relation = nullptr;
  std::string_view place;               ///< "WHERE", "GROUP BY", … for messages.
  AggregateList* aggregates = nullptr;  ///< Null where aggregates may not stand.
  const Expr* legacy_window = nullptr;  ///< TUMBLE(ts, …) of GROUP BY, for TUMBLE_START(ts, …).
  bool inside_aggregate = false;
};

struct GroupingSet;

class Binder {
 public:
  Binder(const SqlOptions& options, Diagnostics& diagnostics);
  /// The plan; of use only where no diagnostic was reported.
  JobPlan bind(Script& script);

 private:
  struct Entry {
    std::shared_ptr<const TableDefinition> table;  // null: its CREATE had errors, uses are not reported
    PlanNodePtr view;                              // a view's plan
    std::vector<BoundColumn> columns;              // in declared order
    bool is_view = false;
    SourceSpan span;
  };
  using CteScope = std::map<std::string, Relation>;

  Diagnostic& error(ErrorCode code, SourceSpan span, std::string message, std::string hint = {});
  void unsupported(SourceSpan span, std::string message, std::string hint = {});

  // binder_statement.cc
  void bind_statement(Statement& statement);
  void declare_broken(const Statement& statement);
  bool declare(const Path& path, bool if_not_exists, bool& skip);
  void create_table(const CreateTable& create, SourceSpan span);
  bool bind_columns(const CreateTable& create, TableDefinition& table, Entry& entry);
  bool bind_computed(const ColumnDefinition& column, TableDefinition& table);
  bool bind_watermark(const CreateTable& create, TableDefinition& table, Entry& entry);
  bool bind_primary_key(const CreateTable& create, TableDefinition& table, Entry& entry);
  bool table_options(const std::vector<Option>& options, TableDefinition& table);
  bool validate(const TableDefinition& table);
  void create_view(const CreateView& create);
  void drop(const Drop& drop);
  void insert(const Insert& insert, bool explain);
  void top_level_query(const Query& query, bool explain);
  std::shared_ptr<const TableDefinition> with_hints(const std::shared_ptr<const TableDefinition>& table,
                                                    const std::vector<Option>& hints);
  void add_query(PlanNodePtr node, std::shared_ptr<const TableDefinition> sink, SourceSpan span, bool explain);
  std::optional<Type> bind_type(const TypeName& name);
  std::vector<std::string> table_names() const;
  Entry* find_table(const Path& path, std::string_view what);
  std::optional<std::string> single_name(const Path& path);
  // binder_insert.cc
  PlanNodePtr match_sink(const Insert& insert, const Relation& query, const TableDefinition& sink);

  // binder_side.cc
  bool apply_late_rows(QueryPlan& query, SourceSpan span);
  bool apply_malformed_rows(QueryPlan& query, SourceSpan span);
  std::shared_ptr<const TableDefinition> side_table(const std::string& name, const std::string& what, SourceSpan span);
  std::optional<SideOutput> bind_side(std::shared_ptr<const TableDefinition> table, const Schema& given,
                                      const std::string& what, SourceSpan span);

  // binder_settings.cc
  void apply_set(const Set& set);
  void apply_reset(const Reset& reset);
  /// Those that came beside the text, which has no place of them.
  void check_given_settings();
  bool refuse_setting(const std::string& key, const SettingAnswer& answer, SourceSpan span);
  void collect_table_options(const Script& script);
  void check_table_options();

  // binder_query.cc
  Relation bind_query(const Query& query);
  Relation bind_select(const Select& select, SourceSpan span);
  Relation bind_from(const TableRef& table);
  Relation bind_table(const TableRef& table);
  bool rename(const TableRef& table, Relation& relation);
  bool add_filter(Relation& relation, const Expr& predicate, ExprScope scope);
  Relation project(Relation input, std::vector<ExpressionPtr> expressions, std::vector<BoundColumn> columns,
                   SourceSpan span);
  Relation bind_projection(const Select& select, Relation input, SourceSpan span);
  bool expand_star(const Expr& star, const Relation& relation, std::vector<const BoundColumn*>& out);
  bool refuse_clauses(const Select& select);
  bool within_limits(const Relation& relation, SourceSpan span);

  // binder_window.cc
  Relation bind_window_function(const TableRef& table);
  Relation bind_count_window(Relation input, const TableRef& table, std::span<const TableArgument* const> numbers,
                             std::string_view usage);
  bool bind_partition(const TableArgument& data, Relation& input, WindowSpec& window);
  Relation add_window(Relation input, WindowSpec window, SourceSpan span, bool hidden);
  Relation attach_window(Relation input, SourceSpan span);
  bool check_time_column(const Relation& relation, const BoundColumn& column, SourceSpan span);
  bool check_window(WindowSpec& window, const Type& time, SourceSpan span);
  std::optional<std::int64_t> interval_ns(const Expr& expr, std::string_view what);
  bool bind_legacy_window(const Expr& call, Relation& relation);
  bool hoist_window(Relation& relation, std::vector<ExpressionPtr>& deferred, SourceSpan span);

  // binder_aggregate.cc
  struct Grouping;
  Relation bind_aggregate(const Select& select, Relation input, SourceSpan span);
  bool bind_group_by(const Select& select, Grouping& grouping);
  bool bind_group_item(const Expr& item, const Select& select, Grouping& grouping);
  bool check_grouping(const Select& select, const Grouping& grouping, SourceSpan span);
  bool check_session_keys(const Grouping& grouping, SourceSpan span);
  ExpressionPtr regroup(const ExpressionPtr& expression, const Grouping& grouping);
  PlanNodePtr make_aggregate(Grouping& grouping, SourceSpan span);
  // binder_grouping.cc
  bool add_grouping_item(const Expr& item, const Select& select, Grouping& grouping);
  bool bind_grouping_sets(const Expr& item, const Select& select, Grouping& grouping, std::vector<GroupingSet>& sets);
  bool bind_grouping_part(const Expr& item, const Select& select, Grouping& grouping, GroupingSet& set);
  bool too_many_grouping_sets(SourceSpan span);
  bool finish_grouping_sets(Grouping& grouping, SourceSpan span);
  static std::vector<std::int64_t> grouping_set_numbers(const Grouping& grouping);
  ExpressionPtr bind_grouping_call(const Expr& expr, ExprScope& scope);
  bool bind_distinct(const Select& select, Grouping& grouping, std::vector<BoundColumn>& columns,
                     std::vector<ExpressionPtr>& outputs);

  // binder_expression.cc, binder_call.cc
  /// Whether a tree calls an aggregate function (outside subqueries).
  bool has_aggregate(const Expr& expr) const;
  /// The host's, or null.
  const FunctionCatalogue* functions() const noexcept { return options_.functions.get(); }
  ExpressionPtr bind_expr(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_condition(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_name(const Expr& expr, const ExprScope& scope);
  const BoundColumn* find_column(const Name& column, std::string_view table, const Relation& relation);
  ExpressionPtr bind_literal(const Expr& expr);
  ExpressionPtr bind_unary(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_predicate(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_case(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_special(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_call(const Expr& expr, ExprScope& scope);
  ExpressionPtr bind_aggregate_call(const Expr& expr, ExprScope& scope);
  bool bind_aggregate_arguments(const Expr& expr, ExprScope& scope, AggregateCall& aggregate);
  bool bind_null_treatment(const Expr& expr, AggregateCall& aggregate);
  bool sums_fast(const Expr& call);
  std::optional<Value> bind_constant_argument(const ExpressionPtr& argument, const Expr& call, SourceSpan span);
  bool resolve(AggregateCall& aggregate);
  ExpressionPtr bind_window_property(const Expr& expr, ExprScope& scope);
  bool bind_all(const std::vector<Expr>& items, ExprScope& scope, std::vector<ExpressionPtr>& out);
  ExpressionPtr call(std::string_view name, std::vector<ExpressionPtr> arguments, SourceSpan span);
  ExpressionPtr checked(Result<ExpressionPtr> result, SourceSpan span);

  const SqlOptions& options_;
  const Select* select_ = nullptr;      // whose clauses are being bound, for hints about its aliases
  const Grouping* grouping_ = nullptr;  // whose items are being bound, for GROUPING(…)
  Diagnostics& diagnostics_;
  JobPlan plan_;
  std::map<std::string, Entry> catalog_;
  std::vector<CteScope> ctes_;
  /// Of SET 'weir.options.<table>.<key>': table, key, the setting.
  struct TableOption {
    std::string table, key, value;
    Span span;
    bool used = false;
  };
  std::vector<TableOption> table_options_;
  std::map<std::string, SourceSpan> setting_spans_;  // values of SET, for errors about them
};

/// True where the same value is computed: same functions over the same columns.
bool same_expression(const Expression& left, const Expression& right);
/// Whether a value of one type goes into a column of the other without CAST.
bool casts_implicitly(const Type& from, const Type& to);
/// A literal of type STRING.
ExpressionPtr string_literal(std::string text, SourceSpan span);
/// Copies the nodes of a plan; tables and expressions are shared.
PlanNodePtr clone_plan(const PlanNodePtr& node);
std::size_t plan_size(const PlanNodePtr& node);

}  // namespace weir::sql
