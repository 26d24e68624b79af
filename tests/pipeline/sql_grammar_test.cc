// Every production of the grammar in pipeline/sql/README.md with texts that it takes and texts that it refuses, and the
// round trip parse(print(tree)) == tree over all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "../../pipeline/sql/parser.h"
#include "../../pipeline/sql/printer.h"

namespace weir {
namespace {

struct Production {
  std::string name;
  std::vector<std::string> takes;
  std::vector<std::string> refuses;
};

/// Texts of expressions stand behind SELECT.
const std::vector<Production>& productions() {
  static const std::vector<Production> kAll = {
      {"script",
       {"", ";;", "SELECT a FROM t; SELECT b FROM t;", "-- note\nSELECT a FROM t /* end */"},
       {"SELECT a FROM t SELECT b FROM t", "/* open"}},
      {"statement", {"SELECT a FROM t", "(SELECT a FROM t)"}, {"SELCT a", "USE x", "SHOW TABLES", "42"}},
      {"create_table",
       {"CREATE TABLE t (a INT)",
        "CREATE TEMPORARY TABLE IF NOT EXISTS c.d.t (a INT COMMENT 'x', PRIMARY KEY (a) NOT ENFORCED) COMMENT 'y' WITH "
        "('k' = 'v', 'l' = 'it''s')",
        "CREATE TABLE t (a INT) PARTITIONED BY (a)", "CREATE TABLE t WITH ('a' = 'b') LIKE u (INCLUDING ALL)",
        "CREATE TABLE t WITH ('a'='b') AS SELECT a FROM u"},
       {"CREATE TABLE (a INT)", "CREATE TABLE t (a INT", "CREATE TABLE t (a INT,)", "CREATE TABLE t (a INT) WITH ('k')",
        "CREATE TABLE t (a INT) WITH (k = 'v')", "CREATE OR REPLACE TABLE t (a INT)", "CREATE TABL t (a INT)",
        "CREATE TABLE t (a INT) DISTRIBUTED BY (a)"}},
      {"column",
       {"CREATE TABLE t (a INT NOT NULL, b AS a + 1, c STRING METADATA FROM 'k' VIRTUAL, d INT PRIMARY KEY NOT "
        "ENFORCED)",
        "CREATE TABLE t (`a b``c` INT)"},
       {"CREATE TABLE t (a)", "CREATE TABLE t (select INT)", "CREATE TABLE t (a INT b INT)"}},
      {"watermark",
       {"CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR a AS a - INTERVAL '5' SECOND)"},
       {"CREATE TABLE t (a INT, WATERMARK FOR a)", "CREATE TABLE t (a INT, WATERMARK FOR AS a)"}},
      {"primary_key",
       {"CREATE TABLE t (a INT, CONSTRAINT k PRIMARY KEY (a) NOT ENFORCED)", "CREATE TABLE t (a INT, PRIMARY KEY (a))"},
       {"CREATE TABLE t (a INT, PRIMARY KEY a)", "CREATE TABLE t (a INT, UNIQUE (a))"}},
      {"type",
       {"CREATE TABLE t (a BOOLEAN, b TINYINT, c SMALLINT, d INTEGER, e BIGINT, f FLOAT, g DOUBLE PRECISION, h "
        "DECIMAL(10, 2), i NUMERIC(5), j DEC, k CHAR(3), l VARCHAR(20), m STRING, n BINARY(4), o VARBINARY(5), p "
        "BYTES, q DATE, r TIME(3), s TIMESTAMP(9), u TIMESTAMP_LTZ(3), v TIMESTAMP(3) WITH LOCAL TIME ZONE, w "
        "TIMESTAMP(6) WITHOUT TIME ZONE, x VARCHAR(2147483647))",
        "CREATE TABLE t (a ROW<b INT, c ARRAY<MAP<STRING, INT NOT NULL>>>, d ROW(e INT 'x'), f INT ARRAY NOT NULL, g "
        "INTERVAL DAY TO SECOND(3), h INTERVAL YEAR TO MONTH)"},
       {"CREATE TABLE t (a TEXT)", "CREATE TABLE t (a DECIMAL(39, 1))", "CREATE TABLE t (a DECIMAL(3, 4))",
        "CREATE TABLE t (a TIMESTAMP(10))", "CREATE TABLE t (a VARCHAR(0))",
        "CREATE TABLE t (a TIMESTAMP(3) WITH TIME ZONE)", "CREATE TABLE t (a MULTISET<INT>)",
        "CREATE TABLE t (a ARRAY<INT)"}},
      {"create_view",
       {"CREATE VIEW v AS SELECT a FROM t",
        "CREATE TEMPORARY VIEW IF NOT EXISTS v (x COMMENT 'c', y) COMMENT 'd' AS SELECT a, b FROM t"},
       {"CREATE VIEW v SELECT a FROM t", "CREATE VIEW v AS"}},
      {"drop", {"DROP TABLE t", "DROP TEMPORARY VIEW IF EXISTS v"}, {"DROP t", "DROP FUNCTION f"}},
      {"set", {"SET 'a.b' = 'c'", "SET a.b = c", "SET a-b.c = 1 s"}, {"SET", "SET 'a' 'b'", "SET 'a' ="}},
      {"reset", {"RESET", "RESET 'a.b'", "RESET a.b"}, {}},
      {"insert",
       {"INSERT INTO s SELECT a FROM t", "INSERT INTO s (x, `y`) SELECT a, b FROM t",
        "INSERT INTO s /*+ OPTIONS('k' = 'v') */ SELECT a FROM t",
        "INSERT INTO s SELECT a FROM t ON CONFLICT DO NOTHING"},
       {"INSERT s SELECT a FROM t", "INSERT INTO s", "INSERT OVERWRITE s SELECT a FROM t",
        "INSERT INTO s SELECT a FROM t ON CONFLICT DO PANIC"}},
      {"statement_set",
       {"EXECUTE STATEMENT SET BEGIN INSERT INTO s SELECT a FROM t; INSERT INTO r SELECT b FROM t; END",
        "BEGIN STATEMENT SET; INSERT INTO s SELECT a FROM t; END", "EXECUTE INSERT INTO s SELECT a FROM t"},
       {"EXECUTE STATEMENT SET BEGIN END", "EXECUTE STATEMENT SET BEGIN SELECT a FROM t; END",
        "BEGIN STATEMENT SET; INSERT INTO s SELECT a FROM t;"}},
      {"explain",
       {"EXPLAIN SELECT a FROM t", "EXPLAIN PLAN FOR SELECT a FROM t",
        "EXPLAIN CHANGELOG_MODE, ESTIMATED_COST INSERT INTO s SELECT a FROM t",
        "EXPLAIN STATEMENT SET BEGIN INSERT INTO s SELECT a FROM t; END"},
       {"EXPLAIN", "EXPLAIN DROP TABLE t"}},
      {"query",
       {"WITH x AS (SELECT a FROM t), y (b) AS (SELECT a FROM x) SELECT b FROM y",
        "SELECT a FROM t UNION ALL SELECT b FROM u UNION SELECT c FROM v",
        "SELECT a FROM t EXCEPT (SELECT b FROM u INTERSECT SELECT c FROM v)",
        "(SELECT a FROM t ORDER BY a LIMIT 1) UNION ALL SELECT b FROM u", "(SELECT a FROM t LIMIT 1) LIMIT 2",
        "(SELECT a FROM t UNION SELECT b FROM u) INTERSECT ALL SELECT c FROM v",
        "SELECT a FROM t ORDER BY a DESC NULLS LAST, b LIMIT 10 OFFSET 5 ROWS",
        "SELECT a FROM t FETCH FIRST 3 ROWS ONLY", "VALUES (1, 'a'), (2, 'b')"},
       {"WITH x SELECT a FROM x", "SELECT a FROM t UNION", "WITH RECURSIVE x AS (SELECT a FROM t) SELECT a FROM x",
        "SELECT a FROM t ORDER a"}},
      {"select",
       {"SELECT *, t.*, a AS b, c d, e + 1 FROM t", "SELECT DISTINCT a FROM t",
        "SELECT ALL a FROM t WHERE a > 1 GROUP BY a, b HAVING COUNT(*) > 1",
        "SELECT /*+ STATE_TTL('t' = '1d') */ a FROM t",
        "SELECT a FROM t GROUP BY ROLLUP (a, b), CUBE (c), GROUPING SETS ((a, b), (a), ())",
        "SELECT JSON_ARRAYAGG(a), JSON_ARRAYAGG(DISTINCT a NULL ON NULL) FILTER (WHERE b) FROM t",
        "SELECT JSON_OBJECTAGG(KEY a VALUE b), JSON_OBJECTAGG(a VALUE b ABSENT ON NULL), JSON_OBJECTAGG(key VALUE key) "
        "FROM t",
        "SELECT SUM(a) OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c)",
        "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY b) = 1", "SELECT 1"},
       {"SELECT FROM t", "SELECT a, FROM t", "SELECT a FROM t WHERE", "SELECT a FROM t GROUP a", "SELECT a 'b' FROM t",
        "SELECT a FORM t", "SELECT a AS FROM t"}},
      {"table",
       {"SELECT a FROM t AS x (b, c)", "SELECT a FROM (SELECT b FROM t) x",
        "SELECT a FROM t /*+ OPTIONS('k' = 'v', 'l' = 'm') */ x", "SELECT a FROM t FOR SYSTEM_TIME AS OF o.ts AS x",
        "SELECT a FROM UNNEST(b) WITH ORDINALITY AS u (c, d)", "SELECT a FROM t, LATERAL TABLE(f(b)) AS x",
        "SELECT T.x FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY ts MEASURES A.p AS x PATTERN (A B+) DEFINE B AS "
        "B.p > A.p) AS T"},
       {"SELECT a FROM", "SELECT a FROM (SELECT b FROM t", "SELECT a FROM t TABLESAMPLE BERNOULLI (5)",
        "SELECT a FROM t PIVOT (SUM(x) FOR y IN (1))", "SELECT a FROM 5"}},
      {"window_function",
       {"SELECT a FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '5' MINUTES)) w",
        "SELECT a FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)",
        "SELECT a FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '1' MINUTE, SIZE => "
        "INTERVAL '1' HOUR, `OFFSET` => INTERVAL '1' SECOND))",
        "SELECT a FROM TABLE(SESSION(TABLE t PARTITION BY (a, b), DESCRIPTOR(ts), INTERVAL '10' SECOND))",
        "SELECT a FROM TABLE(SESSION(TABLE t PARTITION BY a, DESCRIPTOR(ts), INTERVAL '10' SECOND))",
        "SELECT a FROM TABLE(TUMBLE((SELECT a, ts FROM t), DESCRIPTOR(ts), INTERVAL '1' HOUR))"},
       {"SELECT a FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR ts, INTERVAL '1' HOUR))",
        "SELECT a FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)", "SELECT a FROM TABLE(t)"}},
      {"join",
       {"SELECT a FROM t JOIN u ON t.a = u.a LEFT OUTER JOIN v USING (a, b)", "SELECT a FROM t NATURAL JOIN u",
        "SELECT a FROM t CROSS JOIN u", "SELECT a FROM t, u",
        "SELECT a FROM t FULL JOIN (u JOIN v ON u.a = v.a) ON TRUE", "SELECT a FROM t LEFT SEMI JOIN u ON t.a = u.a",
        "SELECT a FROM (t JOIN u ON TRUE) AS x JOIN v ON FALSE"},
       {"SELECT a FROM t LEFT u", "SELECT a FROM t JOIN", "SELECT a FROM t JOIN u USING a"}},
      {"expression",
       {"a OR b AND NOT c = d", "NOT NOT a", "(a OR b) AND c", "a AND (b AND c)", "a + b * c - d / e % f || g",
        "(a + b) * c", "a - (b - c)", "- -a", "-a * +b", "a <> b", "a != b", "a = b = c", "a = (b = c)", "(NOT a) = b",
        "a <= b AND c >= d"},
       {"a +", "a = = b", "a == b", "a OR", "()", "a b c", "NOT", "a::INT", "(a", "\"a\" + 1"}},
      {"predicate",
       {"a BETWEEN 1 AND 2 AND b", "a NOT BETWEEN SYMMETRIC b + 1 AND c", "a BETWEEN ASYMMETRIC 1 AND 2",
        "a IN (1, 2) = b", "a NOT IN (SELECT b FROM u)", "a LIKE 'x%' ESCAPE '!'", "a NOT LIKE b || 'c'",
        "a SIMILAR TO 'x'", "a IS NULL IS NOT TRUE", "a = b IS UNKNOWN", "a IS DISTINCT FROM b = c",
        "a IS NOT DISTINCT FROM b", "EXISTS (SELECT a FROM t)", "a IS FALSE"},
       {"a BETWEEN 1", "a IN ()", "a IN 1", "a IS 5", "a LIKE", "a ILIKE 'x'", "a NOT b"}},
      {"literal",
       {"1",
        "0.908",
        ".5",
        "1.",
        "1e3",
        "1.5E-3",
        "'it''s'",
        "''",
        "U&'\\00e9\\\\'",
        "X'0aFF'",
        "TRUE",
        "FALSE",
        "NULL",
        "DATE '2020-01-01'",
        "TIME '10:00:00'",
        "TIMESTAMP '2020-01-01 00:00:00.123'",
        "INTERVAL '1' DAY",
        "INTERVAL -'5' MINUTES",
        "INTERVAL '1 02:03:04.5' DAY TO SECOND(3)",
        "INTERVAL '1-2' YEAR(4) TO MONTH"},
       {"1a", "'open", "X'0'", "X'zz'", "U&'\\00'", "INTERVAL 5 MINUTE", "INTERVAL '1'", "INTERVAL '1' FORTNIGHT",
        "INTERVAL '1' MINUT"}},
      {"case",
       {"CASE WHEN a THEN 1 END", "CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END"},
       {"CASE END", "CASE WHEN a 1 END", "CASE WHEN a THEN 1"}},
      {"call",
       {
           "f()",
           "f(a, b)",
           "`my f`(a)",
           "COUNT(*)",
           "COUNT(DISTINCT a)",
           "SUM(a) FILTER (WHERE b > 1)",
           "ARRAY_AGG(a IGNORE NULLS ORDER BY b LIMIT 3)",
           "LAST_VALUE(a) RESPECT NULLS",
           "LISTAGG(a, ',') IGNORE NULLS WITHIN GROUP (ORDER BY b) FILTER (WHERE c)",
           "SUM(a) OVER (PARTITION BY b, c ORDER BY d DESC ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)",
           "LAG(a) OVER (w ORDER BY b RANGE UNBOUNDED PRECEDING)",
           "CURRENT_TIMESTAMP",
           "LEFT(a, 2)",
           "IF(a, b, c)",
       },
       {"a.b(c)", "f(a", "f(a,)", "COUNT(DISTINCT)", "SUM(a) FILTER (b)", "JSON_VALUE(a, '$')", "f(DISTINCT"}},
      {"special_call",
       {"CAST(a AS DECIMAL(5, 2))", "TRY_CAST(a AS INT)", "EXTRACT(YEAR FROM a)", "FLOOR(a TO HOUR)", "CEILING(a)",
        "TIMESTAMPADD(DAY, 1, a)", "TIMESTAMPDIFF(SQL_TSI_SECOND, a, b)", "TRIM(a)", "TRIM(LEADING 'x' FROM a)",
        "TRIM(BOTH FROM a)", "TRIM('x' FROM a)", "SUBSTRING(a FROM 2 FOR 3)", "SUBSTRING(a, 2)", "POSITION('x' IN a)",
        "OVERLAY(a PLACING b FROM 2 FOR 3)"},
       {"CAST(a DECIMAL)", "CAST(a AS)", "EXTRACT(YEAR a)", "EXTRACT(YEER FROM a)", "FLOOR(a TO)", "TRIM(BOTH 'x')",
        "POSITION(a, b)", "TIMESTAMPADD(a, b, c)"}},
      {"constructed",
       {"ROW(a)", "(a, b)", "ARRAY[1, 2][1]", "MAP['a', 1]['a']", "(a).b.c", "a.b.c", "f(a)[1].b", "(SELECT a FROM t)"},
       {"ARRAY[1", "MAP['a']", "a.", "a[", "ROW()"}},
  };
  return kAll;
}

bool is_expression(const std::string& name) {
  static const std::set<std::string> kNames = {"expression", "predicate",    "literal",    "case",
                                               "call",       "special_call", "constructed"};
  return kNames.count(name) > 0;
}

std::string as_text(const Production& production, const std::string& text) {
  return is_expression(production.name) ? "SELECT " + text + " FROM t" : text;
}

sql::Script parse(const std::string& text, std::vector<Diagnostic>& found) {
  sql::Diagnostics diagnostics(text, 10);
  sql::Script script = sql::parse_script(text, diagnostics);
  found = diagnostics.take();
  return script;
}

TEST(SqlGrammar, EachProductionTakesWhatItShould) {
  for (const Production& production : productions()) {
    for (const std::string& takes : production.takes) {
      const std::string text = as_text(production, takes);
      std::vector<Diagnostic> found;
      parse(text, found);
      EXPECT_TRUE(found.empty()) << production.name << ": " << text << "\n"
                                 << (found.empty() ? "" : render(found[0], text, "x"));
    }
  }
}

TEST(SqlGrammar, EachProductionRefusesWhatItShouldWithinTheText) {
  for (const Production& production : productions()) {
    for (const std::string& refuses : production.refuses) {
      const std::string text = as_text(production, refuses);
      std::vector<Diagnostic> found;
      parse(text, found);
      EXPECT_FALSE(found.empty()) << production.name << ": " << text;
      for (const Diagnostic& diagnostic : found) {
        EXPECT_LE(diagnostic.span.begin, diagnostic.span.end);
        EXPECT_LE(diagnostic.span.end, text.size());
        EXPECT_FALSE(diagnostic.message.empty());
      }
    }
  }
}

TEST(SqlGrammar, WhatIsPrintedParsesToTheSameTree) {
  for (const Production& production : productions()) {
    for (const std::string& takes : production.takes) {
      const std::string text = as_text(production, takes);
      std::vector<Diagnostic> found;
      const sql::Script first = parse(text, found);
      if (!found.empty()) continue;
      const std::string printed = sql::print(first);
      const sql::Script second = parse(printed, found);
      EXPECT_TRUE(found.empty()) << text << "\n" << printed << (found.empty() ? "" : render(found[0], printed, "x"));
      EXPECT_TRUE(first == second) << text << "\n" << printed << sql::print(second);
      EXPECT_EQ(printed, sql::print(second));
    }
  }
}

TEST(SqlGrammar, TreesThatDifferAreNotEqual) {
  std::vector<Diagnostic> found;
  EXPECT_FALSE(parse("SELECT a + b FROM t", found) == parse("SELECT a - b FROM t", found));
  EXPECT_FALSE(parse("SELECT (a - b) - c FROM t", found) == parse("SELECT a - (b - c) FROM t", found));
  EXPECT_TRUE(parse("SELECT a FROM t", found) == parse("select  `a`\nfrom t", found));
}

TEST(SqlGrammar, EveryProductionOfTheReadmeHasItsCases) {
  std::ifstream file(std::string(WEIR_SOURCE_DIR) + "/pipeline/sql/README.md");
  ASSERT_TRUE(file.good());
  std::set<std::string> described;
  std::string line;
  bool grammar = false;
  while (std::getline(file, line)) {
    if (line.starts_with("```")) grammar = line == "```ebnf";
    const std::size_t equals = line.find(" = ");
    if (grammar && equals != std::string::npos && line[0] != ' ') {
      std::string name = line.substr(0, equals);
      name.erase(name.find_last_not_of(' ') + 1);
      described.insert(name);
    }
  }
  std::set<std::string> tested;
  for (const Production& production : productions()) {
    tested.insert(production.name);
    EXPECT_FALSE(production.takes.empty());
  }
  EXPECT_EQ(described, tested);
}

TEST(SqlGrammar, DeepTextIsRefusedAndLongListsAreTaken) {
  const auto repeat = [](std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
  };
  for (const std::string& text :
       {"SELECT " + repeat("(", 100000) + "a", "SELECT a" + repeat(" + a", 100000) + " FROM t",
        "SELECT " + repeat("NOT ", 100000) + "a FROM t", repeat("(", 50000) + "SELECT a",
        "SELECT a FROM " + repeat("(SELECT a FROM ", 5000), "SELECT " + repeat("CASE WHEN ", 9000),
        "CREATE TABLE t (a " + repeat("ARRAY<", 5000) + "INT", "CREATE TABLE t (a INT" + repeat(" ARRAY", 5000) + ")",
        "SELECT a FROM t" + repeat(" UNION ALL SELECT a FROM t", 5000), "SELECT a FROM t" + repeat(", t", 5000)}) {
    std::vector<Diagnostic> found;
    parse(text, found);
    ASSERT_FALSE(found.empty()) << text.substr(0, 60);
    EXPECT_EQ(found[0].code, ErrorCode::kLimitExceeded) << found[0].message;
  }
  std::vector<Diagnostic> found;
  parse("SELECT a FROM t WHERE a = 1" + repeat(" OR a = 1", 5000), found);
  EXPECT_TRUE(found.empty());
  parse("SELECT a IN (1" + repeat(", 1", 5000) + ") FROM t", found);
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace weir
