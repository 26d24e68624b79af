// See known_functions.h. The names are those of Flink's list of built-in functions.
#include "known_functions.h"

#include <algorithm>
#include <array>

#include "keywords.h"

namespace weir::sql {
namespace {

constexpr std::array kRanking = std::to_array<std::string_view>(
    {"ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "CUME_DIST", "NTH_VALUE"});

constexpr std::array kWindow = std::to_array<std::string_view>({"TUMBLE", "HOP", "CUMULATE", "SESSION"});

constexpr std::array kSyntax = std::to_array<std::string_view>(
    {"ARRAY",    "CUBE",       "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "DATE",           "DESCRIPTOR",
     "EXTRACT",  "GROUPING",   "GROUPING_ID",  "HOP_ROWS",     "LOCALTIME",         "LOCALTIMESTAMP", "MAP",
     "ROLLUP",   "ROW",        "TIME",         "TIMESTAMP",    "TIMESTAMPADD",      "TIMESTAMPDIFF",  "TIMESTAMP_LTZ",
     "TRY_CAST", "TUMBLE_ROWS"});

constexpr std::array kMatch =
    std::to_array<std::string_view>({"MATCH_ROWTIME", "MATCH_PROCTIME", "CLASSIFIER", "MATCH_NUMBER", "PREV", "NEXT"});

constexpr std::array kScalar = std::to_array<std::string_view>({"ABS",
                                                                "ACOS",
                                                                "ASCII",
                                                                "ASIN",
                                                                "ATAN",
                                                                "ATAN2",
                                                                "BIN",
                                                                "BTRIM",
                                                                "CARDINALITY",
                                                                "CEIL",
                                                                "CHAR_LENGTH",
                                                                "CHARACTER_LENGTH",
                                                                "CHR",
                                                                "COALESCE",
                                                                "CONCAT",
                                                                "CONCAT_WS",
                                                                "CONVERT_TZ",
                                                                "COS",
                                                                "COSH",
                                                                "COT",
                                                                "CURRENT_DATABASE",
                                                                "CURRENT_ROW_TIMESTAMP",
                                                                "CURRENT_WATERMARK",
                                                                "DATE_FORMAT",
                                                                "DAYOFMONTH",
                                                                "DAYOFWEEK",
                                                                "DAYOFYEAR",
                                                                "DECODE",
                                                                "DEGREES",
                                                                "E",
                                                                "ELEMENT",
                                                                "ELT",
                                                                "ENCODE",
                                                                "ENDSWITH",
                                                                "EXP",
                                                                "FLATTEN",
                                                                "FLOOR",
                                                                "FROM_BASE64",
                                                                "FROM_UNIXTIME",
                                                                "GREATEST",
                                                                "HEX",
                                                                "HOUR",
                                                                "IF",
                                                                "IFNULL",
                                                                "INITCAP",
                                                                "INSTR",
                                                                "IS_ALPHA",
                                                                "IS_DECIMAL",
                                                                "IS_DIGIT",
                                                                "LEAST",
                                                                "LEFT",
                                                                "LN",
                                                                "LOCATE",
                                                                "LOG",
                                                                "LOG10",
                                                                "LOG2",
                                                                "LOWER",
                                                                "LPAD",
                                                                "LTRIM",
                                                                "MD5",
                                                                "MINUTE",
                                                                "MOD",
                                                                "MONTH",
                                                                "NOW",
                                                                "NULLIF",
                                                                "OVERLAY",
                                                                "PARSE_JSON",
                                                                "PARSE_URL",
                                                                "PI",
                                                                "POSITION",
                                                                "POWER",
                                                                "PRINTF",
                                                                "PROCTIME",
                                                                "QUARTER",
                                                                "RADIANS",
                                                                "RAND",
                                                                "RAND_INTEGER",
                                                                "REGEXP",
                                                                "REGEXP_COUNT",
                                                                "REGEXP_EXTRACT",
                                                                "REGEXP_EXTRACT_ALL",
                                                                "REGEXP_INSTR",
                                                                "REGEXP_REPLACE",
                                                                "REGEXP_SUBSTR",
                                                                "REPEAT",
                                                                "REPLACE",
                                                                "REVERSE",
                                                                "RIGHT",
                                                                "ROUND",
                                                                "RPAD",
                                                                "RTRIM",
                                                                "SECOND",
                                                                "SHA1",
                                                                "SHA2",
                                                                "SHA224",
                                                                "SHA256",
                                                                "SHA384",
                                                                "SHA512",
                                                                "SIGN",
                                                                "SIN",
                                                                "SINH",
                                                                "SOURCE_WATERMARK",
                                                                "SPLIT",
                                                                "SPLIT_INDEX",
                                                                "SQRT",
                                                                "STARTSWITH",
                                                                "STR_TO_MAP",
                                                                "SUBSTR",
                                                                "SUBSTRING",
                                                                "TAN",
                                                                "TANH",
                                                                "TO_BASE64",
                                                                "TO_DATE",
                                                                "TO_TIMESTAMP",
                                                                "TO_TIMESTAMP_LTZ",
                                                                "TRANSLATE",
                                                                "TRIM",
                                                                "TRUNCATE",
                                                                "TRY_PARSE_JSON",
                                                                "TYPEOF",
                                                                "UNHEX",
                                                                "UNIX_TIMESTAMP",
                                                                "UPPER",
                                                                "URL_DECODE",
                                                                "URL_ENCODE",
                                                                "UUID",
                                                                "WEEK",
                                                                "YEAR",
                                                                "ARRAY_AGG",
                                                                "ARRAY_APPEND",
                                                                "ARRAY_CONCAT",
                                                                "ARRAY_CONTAINS",
                                                                "ARRAY_DISTINCT",
                                                                "ARRAY_EXCEPT",
                                                                "ARRAY_INTERSECT",
                                                                "ARRAY_JOIN",
                                                                "ARRAY_MAX",
                                                                "ARRAY_MIN",
                                                                "ARRAY_POSITION",
                                                                "ARRAY_PREPEND",
                                                                "ARRAY_REMOVE",
                                                                "ARRAY_REVERSE",
                                                                "ARRAY_SLICE",
                                                                "ARRAY_SORT",
                                                                "ARRAY_UNION",
                                                                "MAP_ENTRIES",
                                                                "MAP_FROM_ARRAYS",
                                                                "MAP_FROM_ENTRIES",
                                                                "MAP_KEYS",
                                                                "MAP_UNION",
                                                                "MAP_VALUES",
                                                                "OBJECT_OF",
                                                                "GROUP_ID"});

struct Spelling {
  std::string_view name, own;
};
// Aggregates by the names that other dialects and libraries have for them.
constexpr std::array kSpellings = std::to_array<Spelling>({
    {"APPROX_DISTINCT", "APPROX_COUNT_DISTINCT(x)"},
    {"APPROX_MEDIAN", "APPROX_PERCENTILE(x, 0.5)"},
    {"APPROX_MOST_FREQUENT", "APPROX_TOP_K(x, k)"},
    {"ARBITRARY", "ANY_VALUE(x)"},
    {"BOOLAND_AGG", "BOOL_AND(condition)"},
    {"BOOLOR_AGG", "BOOL_OR(condition)"},
    {"COR", "CORR(y, x)"},
    {"COUNT_IF", "COUNT(*) FILTER (WHERE condition)"},
    {"COUNTIF", "COUNT(*) FILTER (WHERE condition)"},
    {"COV", "COVAR_SAMP(y, x)"},
    {"DELTA", "LAST_VALUE(x) - FIRST_VALUE(x)"},
    {"DERIV", "SLOPE(x)"},
    {"DEV", "STDDEV_POP(x)"},
    {"EWM", "EMA(x, half_life)"},
    {"EWMA", "EMA(x, half_life)"},
    {"FIRST", "FIRST_VALUE(x)"},
    {"GEOMEAN", "EXP(AVG(LN(x)))"},
    {"GROUP_ARRAY", "ARRAY_AGG(x)"},
    {"GROUP_CONCAT", "LISTAGG(string, separator) WITHIN GROUP (ORDER BY …)"},
    {"GROUPARRAY", "ARRAY_AGG(x)"},
    {"KURT", "KURTOSIS(x)"},
    {"LAST", "LAST_VALUE(x)"},
    {"LOGICAL_AND", "BOOL_AND(condition)"},
    {"LOGICAL_OR", "BOOL_OR(condition)"},
    {"MAP_AGG", "JSON_OBJECTAGG(KEY k VALUE v)"},
    {"MEAN", "AVG(x)"},
    {"NUNIQUE", "COUNT(DISTINCT x)"},
    {"OBJECT_AGG", "JSON_OBJECTAGG(KEY k VALUE v)"},
    {"PRODUCT", "EXP(SUM(LN(x)))"},
    {"QUANTILE", "PERCENTILE(x, fraction)"},
    {"QUANTILE_CONT", "PERCENTILE_CONT(x, fraction)"},
    {"QUANTILE_DISC", "PERCENTILE_DISC(x, fraction)"},
    {"SKEW", "SKEWNESS(x)"},
    {"STD", "STDDEV(x)"},
    {"STDEV", "STDDEV(x)"},
    {"STRING_AGG", "LISTAGG(string, separator) WITHIN GROUP (ORDER BY …)"},
    {"SUM_IF", "SUM(x) FILTER (WHERE condition)"},
    {"SUMIF", "SUM(x) FILTER (WHERE condition)"},
    {"TOPK", "TOP_K(x, k)"},
    {"UNIQ", "APPROX_COUNT_DISTINCT(x)"},
    {"VAR", "VARIANCE(x)"},
    {"WAVG", "VWAP(x, weight)"},
    {"WSUM", "SUM(x * weight)"},
});

template <typename Array>
bool contains(const Array& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string unsupported_function(std::string_view name) {
  const std::string quoted = "`" + std::string(name) + "`";
  if (contains(kRanking, name)) return quoted + " is a function of OVER windows, which are not supported yet";
  if (contains(kMatch, name)) return quoted + " belongs to MATCH_RECOGNIZE, which is not supported yet";
  if (contains(kScalar, name)) return "the function " + quoted + " is not supported yet";
  return {};
}

std::string_view own_spelling(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(kSpellings.begin(), kSpellings.end(), [&](const Spelling& other) { return other.name == name; });
  return found == kSpellings.end() ? std::string_view() : found->own;
}

bool is_window_function(std::string_view name) noexcept {
  return std::find(kWindow.begin(), kWindow.end(), name) != kWindow.end();
}

std::string_view property_window(std::string_view name) noexcept {
  const std::size_t bar = name.find('_');
  if (bar == std::string_view::npos || !is_window_function(name.substr(0, bar))) return {};
  const std::string_view tail = name.substr(bar + 1);
  const bool known = tail == "START" || tail == "END" || tail == "ROWTIME" || tail == "PROCTIME";
  return known ? name.substr(0, bar) : std::string_view();
}

bool has_own_syntax(std::string_view name) noexcept {
  return is_reserved(name) || is_window_function(name) || !property_window(name).empty() || name.starts_with("JSON_") ||
         std::find(kSyntax.begin(), kSyntax.end(), name) != kSyntax.end();
}

}  // namespace weir::sql
