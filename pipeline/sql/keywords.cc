// See keywords.h. Flink's list: docs, table of reserved words of its SQL.
#include "keywords.h"

#include <algorithm>
#include <array>

namespace weir::sql {
namespace {

constexpr std::array kReserved =
    std::to_array<std::string_view>({"ALL",        "AND",       "AS",       "BETWEEN",  "BY",      "CASE",
                                     "CAST",       "CREATE",    "CROSS",    "DISTINCT", "DROP",    "ELSE",
                                     "END",        "EXCEPT",    "EXISTS",   "FALSE",    "FETCH",   "FOR",
                                     "FROM",       "FULL",      "GROUP",    "HAVING",   "IN",      "INNER",
                                     "INSERT",     "INTERSECT", "INTERVAL", "INTO",     "IS",      "JOIN",
                                     "LATERAL",    "LEFT",      "LIKE",     "LIMIT",    "NATURAL", "NOT",
                                     "NULL",       "OFFSET",    "ON",       "OR",       "ORDER",   "OVER",
                                     "PARTITION",  "QUALIFY",   "RIGHT",    "SELECT",   "SIMILAR", "TABLE",
                                     "THEN",       "TO",        "TRUE",     "UNION",    "UNNEST",  "USING",
                                     "VALUES",     "WHEN",      "WHERE",    "WINDOW",   "WITH",    "MATCH_RECOGNIZE",
                                     "TABLESAMPLE"});

constexpr std::array kFlinkReserved = std::to_array<std::string_view>(
    {"ABS",         "ALLOCATE",   "ALTER",     "ANY",        "ARE",        "ARRAY",     "AT",           "AUTHORIZATION",
     "AVG",         "BEGIN",      "BIGINT",    "BINARY",     "BIT",        "BLOB",      "BOOLEAN",      "BOTH",
     "BYTES",       "CALL",       "CALLED",    "CEIL",       "CHAR",       "CHARACTER", "CHECK",        "CLASSIFIER",
     "CLOB",        "CLOSE",      "COALESCE",  "COLLATE",    "COLLECT",    "COLUMN",    "COMMIT",       "CONDITION",
     "CONNECT",     "CONSTRAINT", "CONTAINS",  "CONVERT",    "CORR",       "COUNT",     "CUBE",         "CURRENT",
     "CURSOR",      "CYCLE",      "DATE",      "DAY",        "DEALLOCATE", "DECIMAL",   "DECLARE",      "DEFAULT",
     "DEFINE",      "DELETE",     "DESCRIBE",  "DOUBLE",     "DYNAMIC",    "EACH",      "ELEMENT",      "EMPTY",
     "EQUALS",      "ESCAPE",     "EVERY",     "EXEC",       "EXECUTE",    "EXP",       "EXPLAIN",      "EXTEND",
     "EXTERNAL",    "EXTRACT",    "FILTER",    "FLOAT",      "FLOOR",      "FOREIGN",   "FREE",         "FUNCTION",
     "FUSION",      "GET",        "GLOBAL",    "GRANT",      "GROUPING",   "GROUPS",    "HOLD",         "HOUR",
     "IDENTITY",    "IMPORT",     "INDICATOR", "INITIAL",    "INT",        "INTEGER",   "LANGUAGE",     "LARGE",
     "LOCAL",       "LOWER",      "MATCH",     "MATCHES",    "MAX",        "MEASURES",  "MEMBER",       "MERGE",
     "METHOD",      "MIN",        "MINUTE",    "MINUS",      "MOD",        "MODIFIES",  "MODULE",       "MONTH",
     "MULTISET",    "NATIONAL",   "NEW",       "NO",         "NONE",       "NORMALIZE", "NUMERIC",      "OF",
     "OLD",         "OMIT",       "ONE",       "ONLY",       "OPEN",       "OUT",       "OUTER",        "OVERLAPS",
     "OVERLAY",     "PARAMETER",  "PATTERN",   "PER",        "PERCENT",    "PERIOD",    "PORTION",      "POSITION",
     "POWER",       "PRECISION",  "PREPARE",   "PRIMARY",    "PROCEDURE",  "RANGE",     "RANK",         "READS",
     "REAL",        "RECURSIVE",  "REF",       "REFERENCES", "RELEASE",    "RESET",     "RESULT",       "RETURN",
     "RETURNS",     "REVOKE",     "ROLLBACK",  "ROLLUP",     "ROW",        "ROWS",      "RUNNING",      "SAVEPOINT",
     "SCOPE",       "SCROLL",     "SEARCH",    "SECOND",     "SEEK",       "SENSITIVE", "SET",          "SHOW",
     "SKIP",        "SMALLINT",   "SOME",      "SPECIFIC",   "SQL",        "START",     "STATIC",       "STREAM",
     "SUBMULTISET", "SUBSET",     "SUBSTRING", "SUCCEEDS",   "SUM",        "SYMMETRIC", "SYSTEM",       "TIME",
     "TIMESTAMP",   "TINYINT",    "TRAILING",  "TRANSLATE",  "TREAT",      "TRIGGER",   "TRIM",         "TRUNCATE",
     "UESCAPE",     "UNIQUE",     "UNKNOWN",   "UPDATE",     "UPPER",      "UPSERT",    "USE",          "USER",
     "VALUE",       "VARBINARY",  "VARCHAR",   "VARYING",    "VERSIONING", "WHENEVER",  "WIDTH_BUCKET", "WITHIN",
     "WITHOUT",     "YEAR"});

constexpr std::array kBare = std::to_array<std::string_view>(
    {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"});

struct Unit {
  std::string_view singular, plural;
};
constexpr std::array kUnits = std::to_array<Unit>({{"YEAR", "YEARS"},
                                                   {"QUARTER", "QUARTERS"},
                                                   {"MONTH", "MONTHS"},
                                                   {"WEEK", "WEEKS"},
                                                   {"DAY", "DAYS"},
                                                   {"HOUR", "HOURS"},
                                                   {"MINUTE", "MINUTES"},
                                                   {"SECOND", "SECONDS"},
                                                   {"MILLISECOND", "MILLISECONDS"},
                                                   {"MICROSECOND", "MICROSECONDS"},
                                                   {"NANOSECOND", "NANOSECONDS"},
                                                   {"EPOCH", "EPOCH"},
                                                   {"DOW", "DOW"},
                                                   {"ISODOW", "ISODOW"},
                                                   {"DOY", "DOY"},
                                                   {"ISOYEAR", "ISOYEAR"},
                                                   {"DECADE", "DECADES"},
                                                   {"CENTURY", "CENTURIES"},
                                                   {"MILLENNIUM", "MILLENNIA"}});

template <typename Array>
bool contains(const Array& words, std::string_view word) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool is_reserved(std::string_view word) noexcept {
  return contains(kReserved, word);
}
bool is_reserved_in_flink(std::string_view word) noexcept {
  return contains(kFlinkReserved, word);
}
bool is_bare_function(std::string_view word) noexcept {
  return contains(kBare, word);
}

std::string_view canonical_unit(std::string_view word) noexcept {
  for (const Unit& unit : kUnits) {
    if (unit.singular == word || unit.plural == word) return unit.singular;
  }
  if (word.starts_with("SQL_TSI_")) return canonical_unit(word.substr(8));
  return {};
}

const std::vector<std::string>& unit_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Unit& unit : kUnits) names.emplace_back(unit.singular);
    return names;
  }();
  return kNames;
}

const std::vector<std::string>& clause_keywords() {
  static const std::vector<std::string> kWords = {"FROM",   "WHERE", "GROUP",  "HAVING", "ORDER",    "LIMIT",
                                                  "UNION",  "JOIN",  "WINDOW", "WITH",   "SELECT",   "QUALIFY",
                                                  "OFFSET", "INTO",  "VALUES", "EXCEPT", "INTERSECT"};
  return kWords;
}

const std::vector<std::string>& statement_keywords() {
  static const std::vector<std::string> kWords = {"SELECT", "INSERT", "CREATE", "DROP",    "SET",
                                                  "RESET",  "WITH",   "BEGIN",  "EXECUTE", "EXPLAIN"};
  return kWords;
}

}  // namespace weir::sql
