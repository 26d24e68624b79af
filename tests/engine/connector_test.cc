// Connectors by themselves: rows made by rule are the same however they are read, and options that are wrong are named.
#include <algorithm>
#include <cmath>
#include <set>

#include "engine/job_run.h"
#include "weir/core/arena.h"
#include "weir/io/connector.h"

namespace weir::test {
namespace {

struct BatchHolder {
  std::vector<Physical> physical;
  std::unique_ptr<std::byte[], void (*)(std::byte*)> memory{nullptr, [](std::byte* p) { std::free(p); }};
  Batch* batch = nullptr;

  BatchHolder(const Schema& schema, std::uint32_t rows) {
    for (const Field& field : schema.fields) physical.push_back(field.type.physical());
    BatchLayout layout;
    layout.columns = physical;
    layout.capacity = rows;
    layout.heap_bytes = 1u << 16;
    memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, layout.bytes())));
    batch = Batch::create(layout, memory.get());
  }
};

TableContext context_of(std::map<std::string, std::string> options, Schema schema, Clock& clock) {
  TableContext context;
  context.table = "t";
  context.schema = std::move(schema);
  for (std::uint32_t i = 0; i < context.schema.size(); ++i) context.columns.push_back({i, i});
  context.options = std::move(options);
  context.clock = &clock;
  return context;
}

Schema wide_schema() {
  Schema schema;
  schema.fields = {
      {"id", Type::bigint()},   {"small", Type::of(TypeId::kSmallInt)}, {"real", Type::of(TypeId::kDouble)},
      {"text", Type::string()}, {"flag", Type::of(TypeId::kBoolean)},   {"ts", Type::timestamp(3)}};
  return schema;
}

class Datagen : public testing::Test {
 protected:
  /// Every row of every input as text, in the order of the first column.
  std::vector<std::string> read_all(std::map<std::string, std::string> options, std::uint32_t batch_rows) {
    options["connector"] = "datagen";
    const Schema schema = wide_schema();
    ManualClock clock;
    SimWorld world(clock);
    BackendConfig config;
    auto backend = make_sim_backend(world, config);
    auto source = make_source(context_of(options, schema, clock));
    EXPECT_TRUE(source.has_value()) << source.error().to_string();
    if (!source.has_value()) return {};
    std::vector<std::pair<std::int64_t, std::string>> rows;
    for (std::uint32_t input = 0; input < (*source)->input_count(); ++input) {
      auto reader = (*source)->open(input, **backend, {});
      EXPECT_TRUE(reader.has_value());
      BatchHolder holder(schema, batch_rows);
      Batch& batch = *holder.batch;
      for (ReadStatus status = ReadStatus::kRows; status != ReadStatus::kEnd;) {
        batch.reset();
        status = (*reader)->read(batch);
        if (status == ReadStatus::kPending) clock.advance(1'000'000);
        for (std::uint32_t row = 0; row < batch.row_count(); ++row) rows.push_back(text_of(batch, row));
      }
    }
    std::sort(rows.begin(), rows.end());
    std::vector<std::string> lines;
    for (auto& [id, line] : rows) lines.push_back(std::move(line));
    return lines;
  }

  static std::pair<std::int64_t, std::string> text_of(Batch& batch, std::uint32_t row) {
    const std::int64_t id = batch.column(0).values<std::int64_t>()[row];
    std::string text = std::to_string(id);
    const auto add = [&](std::uint32_t column, const std::string& value) {
      text += "," + (batch.column(column).is_valid(row) ? value : std::string("NULL"));
    };
    add(1, std::to_string(batch.column(1).values<std::int16_t>()[row]));
    add(2, std::to_string(batch.column(2).values<double>()[row]));
    add(3, std::string(batch.column(3).values<StringRef>()[row].view()));
    add(4, std::to_string(batch.column(4).values<std::int8_t>()[row]));
    add(5, std::to_string(batch.column(5).values<std::int64_t>()[row]));
    return {id, text};
  }

  const std::map<std::string, std::string> base_ = {{"rows-per-second", "0"},       {"number-of-rows", "997"},
                                                    {"fields.id.kind", "sequence"}, {"fields.small.min", "-5"},
                                                    {"fields.small.max", "5"},      {"fields.real.min", "2"},
                                                    {"fields.real.max", "3"},       {"fields.text.length", "20"},
                                                    {"fields.ts.kind", "sequence"}, {"fields.ts.weir.step-ms", "250"}};
};

TEST_F(Datagen, gives_the_same_rows_whatever_the_batches_inputs_and_rate) {
  const std::vector<std::string> golden = read_all(base_, 1024);
  ASSERT_EQ(golden.size(), 997u);
  for (const std::uint32_t batch_rows : {1u, 7u, 64u, 4096u}) {
    for (const char* inputs : {"1", "3", "64"}) {
      for (const char* rate : {"0", "100000"}) {
        SCOPED_TRACE(std::to_string(batch_rows) + " " + inputs + " " + rate);
        auto options = base_;
        options["weir.inputs"] = inputs;
        options["rows-per-second"] = rate;
        EXPECT_EQ(read_all(options, batch_rows), golden);
      }
    }
  }
  auto other = base_;
  other["weir.seed"] = "2";
  EXPECT_NE(read_all(other, 1024), golden);
}

TEST_F(Datagen, keeps_to_its_ranges_and_reaches_both_ends) {
  auto options = base_;
  options["number-of-rows"] = "5000";
  std::set<std::string> small;
  double least = 10, most = 0;
  std::int64_t expected_id = 0;
  for (const std::string& line : read_all(options, 512)) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      parts.push_back(line.substr(at, comma - at));
      at = comma + 1;
    }
    ASSERT_EQ(parts.size(), 6u);
    EXPECT_EQ(parts[0], std::to_string(expected_id));
    EXPECT_EQ(parts[5], std::to_string(expected_id * 250'000'000));
    ++expected_id;
    small.insert(parts[1]);
    least = std::min(least, std::stod(parts[2]));
    most = std::max(most, std::stod(parts[2]));
    EXPECT_EQ(parts[3].size(), 20u);
  }
  EXPECT_EQ(small.size(), 11u);
  EXPECT_GE(least, 2);
  EXPECT_LE(most, 3);
  EXPECT_LT(least, 2.01);
  EXPECT_GT(most, 2.99);
}

TEST_F(Datagen, gives_nulls_at_their_rate_and_none_or_all_at_the_ends) {
  const auto nulls = [&](const char* rate) {
    auto options = base_;
    options["number-of-rows"] = "10000";
    options["fields.text.null-rate"] = rate;
    std::size_t count = 0;
    for (const std::string& line : read_all(options, 333)) count += line.find("NULL") != std::string::npos ? 1 : 0;
    return count;
  };
  EXPECT_EQ(nulls("0"), 0u);
  EXPECT_EQ(nulls("1"), 10'000u);
  const std::size_t quarter = nulls("0.25");
  EXPECT_GT(quarter, 2200u);
  EXPECT_LT(quarter, 2800u);
}

TEST_F(Datagen, a_sequence_ends_at_its_end_or_where_its_type_does) {
  auto options = base_;
  options.erase("number-of-rows");
  options["fields.id.start"] = "10";
  options["fields.id.end"] = "19";
  EXPECT_EQ(read_all(options, 64).size(), 10u);
  options["weir.inputs"] = "4";
  EXPECT_EQ(read_all(options, 64).size(), 10u);
  options.erase("fields.id.end");
  options.erase("fields.id.start");
  options.erase("fields.small.min");
  options.erase("fields.small.max");
  options["fields.small.kind"] = "sequence";
  options["fields.small.start"] = "32700";
  EXPECT_EQ(read_all(options, 64).size(), 68u);
  options["number-of-rows"] = "0";
  EXPECT_TRUE(read_all(options, 64).empty());
}

TEST_F(Datagen, a_rate_lets_no_more_rows_through_than_time_has_passed) {
  ManualClock clock;
  SimWorld world(clock);
  auto backend = make_sim_backend(world, {});
  auto options = base_;
  options["connector"] = "datagen";
  options["rows-per-second"] = "100";
  auto source = make_source(context_of(options, wide_schema(), clock));
  ASSERT_TRUE(source.has_value());
  auto reader = (*source)->open(0, **backend, {});
  BatchHolder holder(wide_schema(), 1024);
  std::uint64_t rows = 0;
  for (int tenth = 0; tenth <= 10; ++tenth) {
    ReadStatus status = ReadStatus::kRows;
    while (status == ReadStatus::kRows) {
      holder.batch->reset();
      status = (*reader)->read(*holder.batch);
      rows += holder.batch->row_count();
    }
    EXPECT_LE(rows, static_cast<std::uint64_t>(tenth) * 10 + 1);
    EXPECT_GE(rows, static_cast<std::uint64_t>(tenth) * 10);
    clock.advance(100'000'000);
  }
}

TEST(ConnectorOptions, each_wrong_one_is_refused_by_name_and_none_ends_the_process) {
  const struct {
    std::map<std::string, std::string> options;
    ErrorCode code;
    std::vector<std::string> parts;
  } cases[] = {
      {{}, ErrorCode::kSqlUnknownConnector, {"no option 'connector'", "datagen"}},
      {{{"connector", "datagn"}}, ErrorCode::kSqlUnknownConnector, {"did you mean 'datagen'"}},
      {{{"connector", "datagen"}, {"row-per-second", "1"}}, ErrorCode::kSqlUnknownOption, {"rows-per-second"}},
      {{{"connector", "datagen"}, {"rows-per-second", "-1"}},
       ErrorCode::kSqlInvalidOption,
       {"rows-per-second", "'-1'"}},
      {{{"connector", "datagen"}, {"number-of-rows", "many"}}, ErrorCode::kSqlInvalidOption, {"number-of-rows"}},
      {{{"connector", "datagen"}, {"weir.inputs", "0"}}, ErrorCode::kSqlInvalidOption, {"weir.inputs", "1 to 64"}},
      {{{"connector", "datagen"}, {"weir.inputs", "65"}}, ErrorCode::kSqlInvalidOption, {"weir.inputs"}},
      {{{"connector", "datagen"}, {"weir.start-time", "soon"}},
       ErrorCode::kSqlInvalidOption,
       {"weir.start-time", "soon"}},
      {{{"connector", "datagen"}, {"fields.nope.min", "1"}}, ErrorCode::kSqlUnknownOption, {"fields.nope.min"}},
      {{{"connector", "datagen"}, {"fields.id.mni", "1"}}, ErrorCode::kSqlUnknownOption, {"fields.id.mni"}},
      {{{"connector", "datagen"}, {"fields.id.kind", "odd"}}, ErrorCode::kSqlInvalidOption, {"random or sequence"}},
      {{{"connector", "datagen"}, {"fields.text.kind", "sequence"}}, ErrorCode::kSqlInvalidOption, {"no sequence"}},
      {{{"connector", "datagen"}, {"fields.small.max", "40000"}}, ErrorCode::kSqlInvalidOption, {"SMALLINT", "40000"}},
      {{{"connector", "datagen"}, {"fields.id.min", "5"}, {"fields.id.max", "4"}},
       ErrorCode::kSqlInvalidOption,
       {"below"}},
      {{{"connector", "datagen"}, {"fields.real.min", "5"}}, ErrorCode::kSqlInvalidOption, {"below its min"}},
      {{{"connector", "datagen"}, {"fields.real.max", "NaN"}}, ErrorCode::kSqlInvalidOption, {"fields.real.max"}},
      {{{"connector", "datagen"}, {"fields.id.kind", "sequence"}, {"fields.id.max", "-1"}},
       ErrorCode::kSqlInvalidOption,
       {"fields.id.max", "random"}},
      {{{"connector", "datagen"}, {"fields.id.end", "-5"}, {"fields.id.min", "0"}},
       ErrorCode::kSqlInvalidOption,
       {"fields.id.end", "sequence"}},
      {{{"connector", "datagen"}, {"fields.text.length", "0"}}, ErrorCode::kSqlInvalidOption, {"fields.text.length"}},
      {{{"connector", "datagen"}, {"fields.text.null-rate", "1.5"}}, ErrorCode::kSqlInvalidOption, {"0 to 1"}},
      {{{"connector", "filesystem"}}, ErrorCode::kSqlInvalidOption, {"needs the option 'format'"}},
      {{{"connector", "filesystem"}, {"format", "csv"}}, ErrorCode::kSqlInvalidOption, {"needs the option 'path'"}},
      {{{"connector", "filesystem"}, {"format", "csv"}, {"path", "x"}, {"weir.buffer-bytes", "10"}},
       ErrorCode::kSqlInvalidOption,
       {"weir.buffer-bytes"}},
      {{{"connector", "tcp"}, {"format", "csv"}},
       ErrorCode::kSqlInvalidOption,
       {"the option 'listen' or the option 'connect'"}},
      {{{"connector", "tcp"}, {"format", "csv"}, {"listen", "nonsense"}}, ErrorCode::kSqlInvalidOption, {"listen"}},
      {{{"connector", "tcp"}, {"format", "csv"}, {"listen", "x:99999"}}, ErrorCode::kSqlInvalidOption, {"listen"}},
      {{{"connector", "tcp"}, {"format", "csv"}, {"listen", ":1"}, {"connections-max", "0"}},
       ErrorCode::kSqlInvalidOption,
       {"connections-max"}},
      {{{"connector", "print"}}, ErrorCode::kSqlSemantic, {"cannot be read", "sink only"}},
      {{{"connector", "blackhole"}}, ErrorCode::kSqlSemantic, {"cannot be read", "sink only"}},
      {{{"connector", "host"}}, ErrorCode::kUnavailable, {"host_tables"}},
  };
  ManualClock clock;
  for (const auto& c : cases) {
    std::string shown;
    for (const auto& [name, value] : c.options) shown += name + "=" + value + " ";
    SCOPED_TRACE(shown);
    auto source = make_source(context_of(c.options, wide_schema(), clock));
    ASSERT_FALSE(source.has_value());
    EXPECT_EQ(error_code_name(source.error().code()), error_code_name(c.code)) << source.error().to_string();
    for (const std::string& part : c.parts)
      EXPECT_NE(source.error().to_string().find(part), std::string::npos) << source.error().to_string();
  }
}

TEST(ConnectorOptions, sinks_refuse_theirs_too) {
  ManualClock clock;
  const auto refused = [&](std::map<std::string, std::string> options) {
    auto sink = make_sink(context_of(std::move(options), wide_schema(), clock));
    EXPECT_FALSE(sink.has_value());
    return sink.has_value() ? std::string() : sink.error().to_string();
  };
  EXPECT_NE(refused({{"connector", "datagen"}}).find("source only"), std::string::npos);
  EXPECT_NE(refused({{"connector", "tcp"}, {"format", "csv"}}).find("'listen' or the option 'connect'"),
            std::string::npos);
  EXPECT_NE(refused({{"connector", "print"}, {"standard-error", "perhaps"}}).find("standard-error"), std::string::npos);
  EXPECT_NE(refused({{"connector", "filesystem"}, {"format", "cvs"}, {"path", "x"}}).find("cvs"), std::string::npos);
  EXPECT_NE(refused({{"connector", "host"}}).find("host_tables"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
