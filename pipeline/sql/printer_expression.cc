// Printing of expressions and types. See printer.h.
#include <array>

#include "keywords.h"
#include "printer.h"
#include "printer_parts.h"

namespace weir::sql {
namespace power {

int of_operator(std::string_view sign) noexcept {
  struct Sign {
    std::string_view text;
    int power;
  };
  static constexpr std::array<Sign, 13> kSigns = {{{"=", kComparison},
                                                   {"<>", kComparison},
                                                   {"!=", kComparison},
                                                   {"<", kComparison},
                                                   {"<=", kComparison},
                                                   {">", kComparison},
                                                   {">=", kComparison},
                                                   {"+", kSum},
                                                   {"-", kSum},
                                                   {"*", kProduct},
                                                   {"/", kProduct},
                                                   {"%", kProduct},
                                                   {"||", kProduct}}};
  for (const Sign& known : kSigns) {
    if (known.text == sign) return known.power;
  }
  return 0;
}

}  // namespace power

std::string quote_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out += '`';
}

std::string quote_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out += '\'';
}

namespace parts {

std::string path(const Path& path) {
  std::string out;
  for (const Name& part : path) out += (out.empty() ? "" : ".") + quote_name(part.text);
  return out;
}

std::string name_list(const Path& names) {
  std::string out = "(";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ", ") + quote_name(names[i].text);
  return out + ")";
}

std::string function_name(const std::string& name) {
  bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9') && name[0] != '$';
  for (const char c : name) {
    plain = plain && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
                      static_cast<unsigned char>(c) >= 0x80);
  }
  plain = plain && (!is_reserved(name) || name == "LEFT" || name == "RIGHT");
  return plain ? name : quote_name(name);
}

std::string list(const std::vector<Expr>& items) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ", ") + print(items[i]);
  return out;
}

std::string sort_list(const std::vector<SortItem>& items) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    out += (i == 0 ? "" : ", ") + print(items[i].expr);
    if (items[i].descending) out += " DESC";
    if (!items[i].nulls.empty()) out += " NULLS " + items[i].nulls;
  }
  return out;
}

std::string over(const Over& over) {
  if (over.by_name) return over.reference ? quote_name(over.reference->text) : "";
  std::string out = "(";
  const auto part = [&out](const std::string& text) {
    if (out.size() > 1) out += ' ';
    out += text;
  };
  const auto bound = [](const FrameBound& edge) {
    if (edge.kind == "CURRENT ROW") return edge.kind;
    return (edge.value.empty() ? std::string("UNBOUNDED") : print(edge.value[0])) + " " + edge.kind;
  };
  if (over.reference) part(quote_name(over.reference->text));
  if (!over.partition_by.empty()) part("PARTITION BY " + list(over.partition_by));
  if (!over.order_by.empty()) part("ORDER BY " + sort_list(over.order_by));
  if (!over.frame.empty() && over.bounds.size() == 2) {
    part(over.frame + " BETWEEN " + bound(over.bounds[0]) + " AND " + bound(over.bounds[1]));
  } else if (!over.frame.empty() && !over.bounds.empty()) {
    part(over.frame + " " + bound(over.bounds[0]));
  }
  return out + ")";
}

}  // namespace parts

namespace {

using Kind = Expr::Kind;

int power_of(const Expr& expr) {
  switch (expr.kind) {
    case Kind::kOr:
      return power::kOr;
    case Kind::kAnd:
      return power::kAnd;
    case Kind::kNot:
      return power::kNot;
    case Kind::kIs:
    case Kind::kDistinct:
      return power::kIs;
    case Kind::kBinary:
      return power::of_operator(expr.text);
    case Kind::kBetween:
    case Kind::kIn:
    case Kind::kInQuery:
    case Kind::kLike:
      return power::kPredicate;
    case Kind::kUnary:
      return power::kSign;
    default:
      return power::kPrimary;
  }
}

/// The child as an operand that binds at least with `power`.
std::string operand(const Expr& expr, int power) {
  std::string text = print(expr);
  return power_of(expr) < power ? "(" + text + ")" : text;
}

/// The child before [ or . : only what postfix signs can follow stands bare.
std::string subject(const Expr& expr, bool field) {
  const bool bare = expr.kind == Kind::kIndex || expr.kind == Kind::kField || expr.kind == Kind::kArray ||
                    expr.kind == Kind::kMap || (expr.kind == Kind::kName && !field);
  return bare ? print(expr) : "(" + print(expr) + ")";
}

std::string print_case(const Expr& expr) {
  std::string out = "CASE";
  std::size_t i = 0;
  if (expr.flag) out += " " + print(expr.children[i++]);
  for (; i + 1 < expr.children.size(); i += 2) {
    out += " WHEN " + print(expr.children[i]) + " THEN " + print(expr.children[i + 1]);
  }
  if (i < expr.children.size()) out += " ELSE " + print(expr.children[i]);
  return out + " END";
}

/// What stands between the parentheses of JSON_ARRAYAGG and JSON_OBJECTAGG; empty for any other call.
std::string json_arguments(const Expr& expr) {
  const std::size_t values = expr.text == "JSON_ARRAYAGG" ? 1 : expr.text == "JSON_OBJECTAGG" ? 2 : 0;
  const std::vector<Expr>& children = expr.children;
  if (values == 0 || children.size() < values || children.size() > values + 1) return {};
  std::string out = values == 1 ? print(children[0]) : "KEY " + print(children[0]) + " VALUE " + print(children[1]);
  if (children.size() > values) out += " " + children[values].text;
  return out;
}

std::string print_call(const Expr& expr) {
  const std::vector<Expr>& children = expr.children;
  std::string out = expr.text;
  if (children.empty() && !expr.star && is_bare_function(expr.text)) return out;
  if (expr.text == "POSITION" && children.size() == 2) {
    return "POSITION(" + operand(children[0], power::kPredicate + 1) + " IN " + print(children[1]) + ")";
  }
  if (expr.text == "OVERLAY" && children.size() >= 3) {
    out += "(" + operand(children[0], power::kPredicate + 1) + " PLACING " + print(children[1]) + " FROM " +
           print(children[2]);
    if (children.size() > 3) out += " FOR " + print(children[3]);
    return out + ")";
  }
  out = parts::function_name(out);
  out += "(";
  if (expr.star) out += "*";
  if (expr.flag) out += "DISTINCT ";
  const std::string json = json_arguments(expr);
  out += json.empty() ? parts::list(children) : json;
  const bool inside = !expr.unit2.empty();
  if (inside && !expr.order.empty()) out += " ORDER BY " + parts::sort_list(expr.order);
  if (inside) out += " LIMIT " + expr.unit2;
  out += ")";
  if (!expr.unit.empty()) out += " " + expr.unit + " NULLS";
  if (!inside && !expr.order.empty()) out += " WITHIN GROUP (ORDER BY " + parts::sort_list(expr.order) + ")";
  if (!expr.filter.empty()) out += " FILTER (WHERE " + print(expr.filter[0]) + ")";
  if (expr.over) out += " OVER " + parts::over(*expr.over);
  return out;
}

std::string print_predicate(const Expr& expr) {
  const std::string negation = expr.negated ? " NOT" : "";
  const std::string left = operand(expr.children[0], power::kPredicate);
  if (expr.kind == Kind::kBetween) {
    return left + negation + (expr.flag ? " BETWEEN SYMMETRIC " : " BETWEEN ") +
           operand(expr.children[1], power::kPredicate + 1) + " AND " +
           operand(expr.children[2], power::kPredicate + 1);
  }
  if (expr.kind == Kind::kInQuery) return left + negation + " IN (" + print(*expr.query) + ")";
  if (expr.kind == Kind::kIn) {
    const std::vector<Expr> items(expr.children.begin() + 1, expr.children.end());
    return left + negation + " IN (" + parts::list(items) + ")";
  }
  std::string out = left + negation + " " + expr.text + " " + operand(expr.children[1], power::kPredicate + 1);
  if (expr.children.size() > 2) out += " ESCAPE " + operand(expr.children[2], power::kPredicate + 1);
  return out;
}

std::string print_logical(const Expr& expr) {
  const int own = power_of(expr);
  std::string out;
  for (std::size_t i = 0; i < expr.children.size(); ++i) {
    if (i > 0) out += expr.kind == Kind::kAnd ? " AND " : " OR ";
    out += operand(expr.children[i], own + 1);
  }
  return out;
}

std::string print_literal(const Expr& expr) {
  switch (expr.kind) {
    case Kind::kNumber:
      return expr.text;
    case Kind::kString:
      return quote_string(expr.text);
    case Kind::kBytes: {
      static constexpr std::string_view kDigits = "0123456789ABCDEF";
      std::string out = "X'";
      for (const char c : expr.text) {
        out += kDigits[static_cast<unsigned char>(c) >> 4U];
        out += kDigits[static_cast<unsigned char>(c) & 0xFU];
      }
      return out + "'";
    }
    case Kind::kTrue:
      return "TRUE";
    case Kind::kFalse:
      return "FALSE";
    case Kind::kDate:
      return "DATE " + quote_string(expr.text);
    case Kind::kTime:
      return "TIME " + quote_string(expr.text);
    case Kind::kTimestamp:
      return "TIMESTAMP " + quote_string(expr.text);
    case Kind::kInterval:
      return std::string("INTERVAL ") + (expr.negated ? "-" : "") + quote_string(expr.text) + " " + expr.unit +
             (expr.unit2.empty() ? "" : " TO " + expr.unit2);
    default:
      return "NULL";
  }
}

std::string print_special(const Expr& expr) {
  const std::vector<Expr>& children = expr.children;
  switch (expr.kind) {
    case Kind::kExtract:
      return "EXTRACT(" + expr.unit + " FROM " + print(children[0]) + ")";
    case Kind::kRound:
      return expr.text + "(" + print(children[0]) + " TO " + expr.unit + ")";
    case Kind::kTimestampOp:
      return expr.text + "(" + expr.unit + ", " + print(children[0]) + ", " + print(children[1]) + ")";
    case Kind::kTrim:
      if (children.size() == 1) return "TRIM(" + expr.unit + " FROM " + print(children[0]) + ")";
      return "TRIM(" + expr.unit + " " + print(children[0]) + " FROM " + print(children[1]) + ")";
    case Kind::kRow:
      if (children.empty()) return "()";
      return (children.size() == 1 ? "ROW(" : "(") + parts::list(children) + ")";
    case Kind::kArray:
      return "ARRAY[" + parts::list(children) + "]";
    case Kind::kMap:
      return "MAP[" + parts::list(children) + "]";
    case Kind::kIndex:
      return subject(children[0], false) + "[" + print(children[1]) + "]";
    case Kind::kField:
      return subject(children[0], true) + "." + quote_name(expr.path[0].text);
    default:  // kGrouping
      return expr.text + "(" + parts::list(children) + ")";
  }
}

}  // namespace

std::string print(const Expr& expr) {
  switch (expr.kind) {
    case Kind::kName:
      return parts::path(expr.path);
    case Kind::kStar:
      return expr.path.empty() ? "*" : parts::path(expr.path) + ".*";
    case Kind::kUnary: {
      const std::string inner = operand(expr.children[0], power::kSign);
      return expr.text + (inner.starts_with('-') ? " " : "") + inner;
    }
    case Kind::kBinary: {
      const int own = power_of(expr);
      return operand(expr.children[0], own) + " " + expr.text + " " + operand(expr.children[1], own + 1);
    }
    case Kind::kAnd:
    case Kind::kOr:
      return print_logical(expr);
    case Kind::kNot:
      return "NOT " + operand(expr.children[0], power::kNot);
    case Kind::kIs:
      return operand(expr.children[0], power::kIs) + " IS " + (expr.negated ? "NOT " : "") + expr.text;
    case Kind::kDistinct:
      return operand(expr.children[0], power::kIs) + " IS " + (expr.negated ? "NOT " : "") + "DISTINCT FROM " +
             operand(expr.children[1], power::kComparison + 1);
    case Kind::kBetween:
    case Kind::kIn:
    case Kind::kInQuery:
    case Kind::kLike:
      return print_predicate(expr);
    case Kind::kExists:
      return "EXISTS (" + print(*expr.query) + ")";
    case Kind::kSubquery:
      return "(" + print(*expr.query) + ")";
    case Kind::kCase:
      return print_case(expr);
    case Kind::kCast:
      return std::string(expr.flag ? "TRY_CAST(" : "CAST(") + print(expr.children[0]) + " AS " + print(*expr.type) +
             ")";
    case Kind::kCall:
      return print_call(expr);
    case Kind::kExtract:
    case Kind::kRound:
    case Kind::kTimestampOp:
    case Kind::kTrim:
    case Kind::kRow:
    case Kind::kArray:
    case Kind::kMap:
    case Kind::kIndex:
    case Kind::kField:
    case Kind::kGrouping:
      return print_special(expr);
    default:
      return print_literal(expr);
  }
}

std::string print(const TypeName& type) {
  std::string out = type.name;
  if (type.name == "ROW") {
    out += "<";
    for (std::size_t i = 0; i < type.children.size(); ++i) {
      out += (i == 0 ? "" : ", ") + quote_name(type.field_names[i].text) + " " + print(type.children[i]);
    }
    out += type.children.empty() ? " >" : ">";
  } else if (!type.children.empty()) {
    out += "<" + print(type.children[0]);
    if (type.children.size() > 1) out += ", " + print(type.children[1]);
    out += ">";
  } else if (!type.from_unit.empty()) {
    out += " " + type.from_unit + (type.to_unit.empty() ? "" : " TO " + type.to_unit);
  } else if (type.precision >= 0) {
    out += "(" + std::to_string(type.precision);
    if (type.scale >= 0) out += ", " + std::to_string(type.scale);
    out += ")";
  }
  return type.not_null ? out + " NOT NULL" : out;
}

}  // namespace weir::sql
