// Literals: the text between the quotes of DATE, TIME, TIMESTAMP and INTERVAL, and numbers, as values.
#pragma once

#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/pipeline/expression.h"

namespace weir::sql {

struct TypedValue {
  Value value;
  Type type;
};

/// 12 INT, 3000000000 BIGINT, 0.908 DECIMAL(3, 3), 1e3 DOUBLE; all NOT NULL. Errors: kSqlType where it is too long.
Result<TypedValue> number_value(std::string_view text);
/// 'yyyy-mm-dd'. Errors: kInvalidCast, as the next two.
Result<TypedValue> date_value(std::string_view text);
/// 'hh:mm:ss[.f]'; the precision is the count of digits behind the point.
Result<TypedValue> time_value(std::string_view text);
/// 'yyyy-mm-dd hh:mm:ss[.f]', also with T.
Result<TypedValue> timestamp_value(std::string_view text);
/// The amount of INTERVAL 'text' from [TO to]; `to` is empty for a single unit. Errors: kInvalidCast, kSqlSemantic
/// where the units do not go together, kSqlUnsupported.
Result<TypedValue> interval_value(std::string_view text, std::string_view from, std::string_view to, bool negated);

}  // namespace weir::sql
