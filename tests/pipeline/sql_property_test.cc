// Properties of the SQL frontend over texts that a seeded generator makes from the grammar, over the Nexmark job in
// Weir's own words, and over damaged texts.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "../../pipeline/sql/lexer.h"
#include "../../pipeline/sql/literal.h"
#include "../../pipeline/sql/parser.h"
#include "../../pipeline/sql/printer.h"
#include "../../pipeline/sql/suggest.h"
#include "pipeline/sql_case.h"

namespace weir {
namespace {

using sql::Expr;
using Kind = Expr::Kind;

/// Makes trees in the form that the parser makes them in.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  sql::Script script() {
    sql::Script out;
    for (std::size_t i = 0; i <= below(3); ++i) out.statements.push_back({statement(), false, {}});
    return out;
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  template <std::size_t N>
  std::string pick(const std::string (&words)[N]) {
    return words[below(N)];
  }
  sql::Name name() { return {pick({"a", "b", "price", "select", "x y", "q`t", "größe", "ROWS", "TUMBLE", "1x"}), {}}; }
  sql::Path path(std::size_t most) {
    sql::Path out;
    for (std::size_t i = 0; i <= below(most); ++i) out.push_back(name());
    return out;
  }
  std::string text() { return pick({"", "x", "it's", "--", "a\nb", "/* */", "€", "\\", "&Eab"}); }
  std::string unit() { return pick({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}); }

  Expr node(Kind kind, std::vector<Expr> children = {}, std::string word = {}) {
    Expr out;
    out.kind = kind;
    out.children = std::move(children);
    out.text = std::move(word);
    return out;
  }
  std::vector<Expr> some(int depth, std::size_t least, std::size_t more) {
    std::vector<Expr> out;
    for (std::size_t i = 0; i < least + below(more + 1); ++i) out.push_back(expr(depth));
    return out;
  }

  Expr leaf() {
    switch (below(8)) {
      case 0:
        return node(Kind::kNumber, {}, pick({"0", "12", "0.908", ".5", "1e3", "3000000000"}));
      case 1:
        return node(Kind::kString, {}, text());
      case 2:
        return node(Kind::kBytes, {}, text());
      case 3:
        return node(pick({"t", "f"}) == "t" ? Kind::kTrue : Kind::kNull);
      case 4:
        return node(Kind::kTimestamp, {}, "2020-01-01 00:00:00");
      case 5: {
        Expr out = node(Kind::kInterval, {}, "5");
        out.unit = unit();
        out.unit2 = chance(4) ? "SECOND" : "";
        out.negated = chance(3);
        return out;
      }
      default: {
        Expr out = node(Kind::kName);
        out.path = path(3);
        return out;
      }
    }
  }

  Expr expr(int depth) {
    if (depth <= 0) return leaf();
    --depth;
    Expr out;
    switch (below(17)) {
      case 0:
        return node(Kind::kUnary, some(depth, 1, 0), pick({"-", "+"}));
      case 1:
      case 2:
        return node(Kind::kBinary, some(depth, 2, 0), pick({"+", "-", "*", "/", "%", "||", "=", "<>", "<", ">="}));
      case 3:
        return sql::make_logical(chance(2) ? Kind::kAnd : Kind::kOr, expr(depth), expr(depth));
      case 4:
        return node(Kind::kNot, some(depth, 1, 0));
      case 5:
        out = node(Kind::kIs, some(depth, 1, 0), pick({"NULL", "TRUE", "FALSE", "UNKNOWN"}));
        break;
      case 6:
        out = node(Kind::kDistinct, some(depth, 2, 0));
        break;
      case 7:
        out = node(Kind::kBetween, some(depth, 3, 0));
        out.flag = chance(3);
        break;
      case 8:
        out = node(Kind::kIn, some(depth, 2, 2));
        // `x IN ((SELECT …))` is read as IN (SELECT …).
        if (out.children.size() == 2) out.children.push_back(leaf());
        break;
      case 9:
        out = node(Kind::kLike, some(depth, 2, 1), pick({"LIKE", "SIMILAR TO"}));
        break;
      case 10:
        out = node(Kind::kCase, some(depth, 1, 0));
        out.flag = true;
        for (Expr& child : some(depth, 2 + below(3), 0)) out.children.push_back(std::move(child));
        if (out.children.size() == 2) out.children.push_back(leaf());
        return out;
      case 11:
        out = node(Kind::kCast, some(depth, 1, 0));
        out.type = type(2);
        out.flag = chance(2);
        return out;
      case 12:
        return call(depth);
      case 13:
        out = node(Kind::kTrim, some(depth, 1, 1));
        out.unit = pick({"BOTH", "LEADING", "TRAILING"});
        return out;
      case 14:
        if (chance(2)) return node(Kind::kIndex, some(depth, 2, 0));
        out = node(Kind::kField, some(depth, 1, 0));
        out.path.push_back(name());
        return out;
      case 15:
        out = node(Kind::kSubquery);
        out.query = query(depth);
        return out;
      default:
        return node(pick({"r", "a"}) == "r" ? Kind::kRow : Kind::kArray, some(depth, 1, 2));
    }
    out.negated = chance(2);
    return out;
  }

  Expr call(int depth) {
    Expr out = node(Kind::kCall, some(depth, 0, 2), pick({"F", "COUNT", "LEFT", "odd name", "UPPER"}));
    if (out.text == "odd name") out.text = "ODD NAME";
    out.flag = !out.children.empty() && chance(4);
    if (out.children.empty()) out.star = chance(2);
    if (chance(4)) out.filter.push_back(expr(depth));
    if (chance(5)) {
      sql::Over over;
      over.partition_by = some(depth, 0, 1);
      over.order_by = sort(depth);
      if (chance(2)) over.reference = sql::Name{"w", {}};
      if (chance(2)) {
        over.frame = "ROWS";
        over.bounds.push_back({"PRECEDING", some(depth, 0, 1)});
        if (over.bounds[0].value.size() > 1) over.bounds[0].value.resize(1);
        over.bounds.push_back({"CURRENT ROW", {}});
      }
      out.over = std::move(over);
    }
    return out;
  }

  std::vector<sql::SortItem> sort(int depth) {
    std::vector<sql::SortItem> out;
    for (std::size_t i = below(3); i > 0; --i) out.push_back({expr(depth), chance(2), chance(3) ? "LAST" : ""});
    return out;
  }

  sql::TypeName type(int depth) {
    sql::TypeName out;
    out.name = pick({"INT", "STRING", "DECIMAL", "TIMESTAMP", "VARCHAR", "ARRAY", "MAP", "ROW"});
    if (depth == 0 && (out.name == "ARRAY" || out.name == "MAP" || out.name == "ROW")) out.name = "DOUBLE";
    if (out.name == "DECIMAL") out.scale = 2;
    if (out.name == "DECIMAL" || out.name == "TIMESTAMP" || out.name == "VARCHAR") out.precision = 9;
    if (out.name == "ARRAY" || out.name == "MAP") out.children.push_back(type(depth - 1));
    if (out.name == "MAP") out.children.push_back(type(depth - 1));
    for (std::size_t i = below(3); out.name == "ROW" && i > 0; --i) {
      out.field_names.push_back(name());
      out.children.push_back(type(depth - 1));
    }
    out.not_null = chance(3);
    return out;
  }

  std::vector<sql::Option> options() {
    std::vector<sql::Option> out;
    for (std::size_t i = below(3); i > 0; --i) out.push_back({text(), text(), {}, {}});
    return out;
  }

  sql::TableRef table(int depth) {
    sql::TableRef out;
    switch (depth <= 0 ? 0 : below(5)) {
      case 1:
        out.kind = sql::TableRef::Kind::kQuery;
        out.query = query(depth - 1);
        break;
      case 2: {
        out.kind = sql::TableRef::Kind::kFunction;
        out.function = pick({"TUMBLE", "HOP", "F"});
        sql::TableArgument data;
        data.kind = sql::TableArgument::Kind::kTable;
        data.name = chance(3) ? "DATA" : "";
        sql::TableRef inner;
        inner.path = path(2);
        data.table = std::move(inner);
        data.partition_by = some(1, 0, 1);
        sql::TableArgument time;
        time.kind = sql::TableArgument::Kind::kDescriptor;
        time.columns.push_back(name());
        sql::TableArgument size;
        size.expr.push_back(leaf());  // a subquery would be a table
        size.name = chance(3) ? "OFFSET" : "";
        out.arguments = {data, time, size};
        break;
      }
      case 3:
        out.kind = sql::TableRef::Kind::kJoin;
        out.join = pick({"INNER", "LEFT", "FULL", "CROSS", "COMMA", "LEFT SEMI"});
        out.inputs.push_back(table(depth - 1));
        out.inputs.push_back(table(depth - 1));
        if (out.join != "COMMA" && chance(2)) out.condition.push_back(expr(1));
        break;
      default:
        out.path = path(3);
        out.options = options();
        if (chance(6)) out.system_time.push_back(expr(1));
    }
    if (chance(2)) out.alias = name();
    if (out.alias && chance(3)) out.column_aliases = path(2);
    return out;
  }

  sql::Query query(int depth) {
    sql::Query out;
    if (depth > 0 && chance(5)) {
      out.kind = sql::Query::Kind::kSetOperation;
      out.operation = pick({"UNION", "UNION ALL", "EXCEPT", "INTERSECT", "INTERSECT ALL"});
      out.inputs.push_back(query(depth - 1));
      out.inputs.push_back(query(depth - 1));
    } else {
      out.select.distinct = chance(5);
      for (Expr& item : some(depth, 1, 2)) out.select.items.push_back({std::move(item), std::nullopt});
      if (chance(2)) out.select.items[0].alias = name();
      if (chance(4)) out.select.items.push_back({node(Kind::kStar), std::nullopt});
      if (!chance(6)) out.select.from.push_back(table(depth));
      if (chance(3)) out.select.where.push_back(expr(depth));
      if (chance(3)) {
        out.select.grouped = true;
        out.select.group_by = some(depth, 1, 2);
        if (chance(2)) out.select.group_by.push_back(node(Kind::kGrouping, some(depth, 1, 1), "ROLLUP"));
      }
      if (chance(5)) out.select.having.push_back(expr(depth));
    }
    if (chance(6)) out.order_by = sort(depth);
    if (chance(8)) out.limit.push_back(leaf());
    if (depth > 0 && chance(8)) out.with.push_back({name(), path(2), query(depth - 1)});
    return out;
  }

  std::variant<sql::Query, sql::CreateTable, sql::CreateView, sql::Drop, sql::Set, sql::Reset, sql::Insert,
               sql::StatementSet, sql::Explain>
  statement() {
    switch (below(7)) {
      case 0: {
        sql::CreateTable out;
        out.path = path(3);
        out.if_not_exists = chance(2);
        out.temporary = chance(2);
        for (std::size_t i = 0; i <= below(3); ++i) {
          sql::ColumnDefinition column;
          column.name = name();
          if (chance(3)) {
            column.kind = sql::ColumnDefinition::Kind::kComputed;
            column.expr.push_back(expr(2));
          } else {
            column.type = type(3);
          }
          if (chance(4)) column.comment = text();
          out.columns.push_back(std::move(column));
        }
        if (chance(2)) out.watermarks.push_back({path(2), expr(2), {}});
        if (chance(3)) out.primary_key = path(2);
        out.options = options();
        return out;
      }
      case 1: {
        sql::CreateView out;
        out.path = path(2);
        if (chance(3)) out.columns = path(3);
        out.query = query(3);
        return out;
      }
      case 2:
        return sql::Drop{chance(2), chance(2), chance(2), path(2)};
      case 3:
        return sql::Set{"k" + text(), text(), {}, {}};
      case 4:
        return insert();
      case 5: {
        sql::StatementSet out;
        for (std::size_t i = 0; i <= below(2); ++i) out.inserts.push_back(insert());
        return out;
      }
      default:
        return query(3);
    }
  }

  sql::Insert insert() {
    sql::Insert out;
    out.path = path(2);
    out.options = options();
    if (chance(3)) out.columns = path(3);
    out.query = query(2);
    if (chance(4)) out.on_conflict = "NOTHING";
    return out;
  }

  std::mt19937_64 random_;
};

TEST(SqlProperty, GeneratedTreesSurvivePrintingAndParsing) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const sql::Script tree = Generator(seed).script();
    const std::string printed = sql::print(tree);
    sql::Diagnostics diagnostics(printed, 10);
    const sql::Script parsed = sql::parse_script(printed, diagnostics);
    const std::vector<Diagnostic> found = diagnostics.take();
    ASSERT_TRUE(found.empty()) << "seed " << seed << "\n" << printed << render(found[0], printed, "x");
    ASSERT_TRUE(parsed == tree) << "seed " << seed << "\n" << printed << "\n--\n" << sql::print(parsed);
  }
}

TEST(SqlProperty, DamagedTextsEndInErrorsThatPointIntoThem) {
  std::mt19937_64 random(7);
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    std::string text = std::string(test::kTables) + sql::print(Generator(seed).script());
    for (int i = 0; i < 3; ++i) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text.erase(at, 1 + random() % 6);
      } else {
        text.insert(at, 1, "'`(),;*-.[]<>=\"x1 "[random() % 19]);
      }
    }
    std::vector<Diagnostic> found;
    const Result<JobPlan> plan = plan_sql(text, {}, &found);
    ASSERT_EQ(plan.has_value(), found.empty());
    ASSERT_LE(found.size(), 10U);
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_LE(found[i].span.begin, found[i].span.end);
      ASSERT_LE(found[i].span.end, text.size());
      ASSERT_LE(found[i == 0 ? 0 : i - 1].span.begin, found[i].span.begin);
      ASSERT_FALSE(render(found[i], text, "x").empty());
    }
  }
}

TEST(SqlProperty, TheNexmarkJobParses) {
  const std::string_view text = R"(
CREATE TABLE nexmark (
  event_type INT,
  person ROW<id BIGINT, name VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR, state VARCHAR,
             `dateTime` TIMESTAMP(3), extra VARCHAR>,
  auction ROW<id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT,
              `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra VARCHAR>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR>,
  `dateTime` AS CASE WHEN event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime` ELSE bid.`dateTime` END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark');
CREATE TEMPORARY VIEW person AS SELECT person.id, person.name, `dateTime` FROM nexmark WHERE event_type = 0;
CREATE TEMPORARY VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, `dateTime` FROM nexmark WHERE event_type = 2;
INSERT INTO q1 SELECT auction, bidder, 0.908 * price AS price, `dateTime`, extra FROM bid;
INSERT INTO q2 SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
INSERT INTO q3 SELECT P.name, P.city, P.state, A.id FROM auction AS A INNER JOIN person AS P ON A.seller = P.id
  WHERE A.category = 10 AND (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA');
INSERT INTO q4 SELECT Q.category, AVG(Q.final) FROM (SELECT MAX(B.price) AS final, A.category FROM auction A, bid B
  WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.expires GROUP BY A.id, A.category) Q GROUP BY Q.category;
INSERT INTO q5 SELECT AuctionBids.auction, AuctionBids.num FROM (
    SELECT auction, count(*) AS num, window_start AS starttime, window_end AS endtime
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end) AS AuctionBids
  JOIN (SELECT max(CountBids.num) AS maxn, CountBids.starttime, CountBids.endtime FROM (
    SELECT count(*) AS num, window_start AS starttime, window_end AS endtime
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end) AS CountBids GROUP BY CountBids.starttime, CountBids.endtime) AS MaxBids
  ON AuctionBids.starttime = MaxBids.starttime AND AuctionBids.endtime = MaxBids.endtime AND AuctionBids.num >= MaxBids.maxn;
INSERT INTO q9 SELECT id, price FROM (SELECT A.*, B.price, ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.`dateTime` ASC) AS r
  FROM auction A, bid B WHERE A.id = B.auction) WHERE r <= 1;
INSERT INTO q11 SELECT bidder, count(*) AS bid_count, SESSION_START(`dateTime`, INTERVAL '10' SECOND) AS starttime,
  SESSION_END(`dateTime`, INTERVAL '10' SECOND) AS endtime FROM bid GROUP BY bidder, SESSION(`dateTime`, INTERVAL '10' SECOND);
INSERT INTO q13 SELECT B.auction, S.`value` FROM (SELECT *, PROCTIME() AS p_time FROM bid) B
  JOIN side_input FOR SYSTEM_TIME AS OF B.p_time AS S ON MOD(B.auction, 10000) = S.key;
INSERT INTO q14 SELECT CASE WHEN HOUR(`dateTime`) >= 8 AND HOUR(`dateTime`) <= 18 THEN 'dayTime' ELSE 'otherTime' END, count_char(extra, 'c')
  FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;
INSERT INTO q15 SELECT DATE_FORMAT(`dateTime`, 'yyyy-MM-dd') AS `day`, count(*) FILTER (WHERE price < 10000),
  count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) FROM bid GROUP BY DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
INSERT INTO q21 SELECT CASE WHEN LOWER(channel) = 'apple' THEN '0' ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END FROM bid
  WHERE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) IS NOT NULL OR LOWER(channel) IN ('apple', 'google', 'facebook', 'baidu');
INSERT INTO q22 SELECT SPLIT_INDEX(url, '/', 3) AS dir1 FROM bid;
INSERT INTO cep SELECT T.auction FROM bid MATCH_RECOGNIZE (PARTITION BY auction ORDER BY `dateTime` MEASURES A.price AS p
  ONE ROW PER MATCH AFTER MATCH SKIP TO LAST B PATTERN (A B+ C) WITHIN INTERVAL '5' SECOND DEFINE B AS B.price < A.price) AS T;
)";
  sql::Diagnostics diagnostics(text, 10);
  const sql::Script script = sql::parse_script(text, diagnostics);
  const std::vector<Diagnostic> found = diagnostics.take();
  for (const Diagnostic& diagnostic : found) ADD_FAILURE() << render(diagnostic, text, "nexmark.sql");
  EXPECT_EQ(script.statements.size(), 16U);
  const std::string printed = sql::print(script);
  sql::Diagnostics again(printed, 10);
  EXPECT_TRUE(sql::parse_script(printed, again) == script) << printed;
}

TEST(SqlLiteral, NumbersHaveFlinksTypes) {
  const auto type = [](std::string_view text) { return sql::number_value(text).value().type.to_string(); };
  EXPECT_EQ(type("0"), "INT NOT NULL");
  EXPECT_EQ(type("2147483647"), "INT NOT NULL");
  EXPECT_EQ(type("2147483648"), "BIGINT NOT NULL");
  EXPECT_EQ(type("9223372036854775808"), "DECIMAL(19, 0) NOT NULL");
  EXPECT_EQ(type("0.908"), "DECIMAL(3, 3) NOT NULL");
  EXPECT_EQ(type("10.50"), "DECIMAL(4, 2) NOT NULL");
  EXPECT_EQ(type("1e3"), "DOUBLE NOT NULL");
  EXPECT_FALSE(sql::number_value(std::string(39, '9')).has_value());
  EXPECT_FALSE(sql::number_value("1e999").has_value());
}

TEST(SqlLiteral, TimesAndIntervalsAreNanoseconds) {
  const auto ns = [](const Result<sql::TypedValue>& value) {
    return value.has_value() ? std::get<std::int64_t>(value.value().value.data) : std::int64_t{-1};
  };
  EXPECT_EQ(ns(sql::date_value("1970-01-02")), 1);
  EXPECT_EQ(ns(sql::timestamp_value("1969-12-31 23:59:59.999999998")), -2);
  EXPECT_EQ(ns(sql::time_value("00:00:01.5")), 1500000000);
  EXPECT_FALSE(sql::date_value("2021-02-29").has_value());
  EXPECT_FALSE(sql::timestamp_value("2300-01-01 00:00:00").has_value());
  EXPECT_FALSE(sql::time_value("24:00:00").has_value());
  EXPECT_EQ(ns(sql::interval_value("1", "DAY", "", false)), 86400000000000);
  EXPECT_EQ(ns(sql::interval_value("1 02:03:04.5", "DAY", "SECOND", false)), 93784500000000);
  EXPECT_EQ(ns(sql::interval_value("0.001", "SECOND", "", true)), -1000000);
  EXPECT_EQ(ns(sql::interval_value("2-3", "YEAR", "MONTH", false)), 27);
  EXPECT_EQ(ns(sql::interval_value("2", "WEEK", "", false)), 14 * 86400000000000);
  EXPECT_FALSE(sql::interval_value("1", "SECOND", "DAY", false).has_value());
  EXPECT_FALSE(sql::interval_value("1:60", "MINUTE", "SECOND", false).has_value());
  EXPECT_FALSE(sql::interval_value("99999999999999999", "DAY", "", false).has_value());
  EXPECT_FALSE(sql::interval_value("", "DAY", "", false).has_value());
}

}  // namespace
}  // namespace weir
