// Arrow's C data interface: what goes out comes in again, every format into every type that takes it, arrays cut and
// shifted at will, and streams that break their promises.
#include <gmock/gmock.h>

#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include "arrow/arrow_types.h"
#include "io/host_source.h"
#include "weir/io/arrow.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using testing::HostSource;
using testing::OwnedBatch;
using testing::row_texts;
using testing::value_text;

int g_released = 0;  // arrays and streams of the tests

/// A column as Arrow holds it; owns its buffers.
struct TestColumn {
  std::string name, format;
  std::vector<std::vector<std::byte>> buffers;
  std::vector<bool> absent = {};  // buffers that are null
  std::int64_t offset = 0, null_count = -1;
  bool dictionary = false;
};

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T) + 64);
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), values.size() * sizeof(T));
  return bytes;
}
std::vector<std::byte> bytes_of(const std::string& text) {
  return bytes_of(std::vector<char>(text.begin(), text.end()));
}

template <class T>
TestColumn column_of(std::string name, std::string format, const std::vector<T>& values) {
  return {std::move(name), std::move(format), {{}, bytes_of(values)}, {true, false}};
}

/// A stream of arrays made from columns; `arrays` gives the length of each and where its rows start.
struct TestStream {
  std::vector<TestColumn> columns;
  std::vector<std::pair<std::int64_t, std::int64_t>> arrays;  // offset, length
  std::string schema_format = "+s";
  int fails_at = -1;
  std::size_t next = 0;
  std::string last_error = "the producer has had enough";

  // what the structs point to
  std::vector<ArrowSchema> schemas = {};
  std::vector<ArrowSchema*> schema_pointers = {};
  ArrowSchema dictionary = {};
  std::vector<ArrowArray> children = {};
  std::vector<ArrowArray*> child_pointers = {};
  std::vector<std::vector<const void*>> buffers = {};
  const void* none = nullptr;

  static TestStream& of(ArrowArrayStream* stream) { return *static_cast<TestStream*>(stream->private_data); }

  ArrowArrayStream stream() {
    ArrowArrayStream out = {};
    out.private_data = this;
    out.get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) { return of(self).give_schema(schema); };
    out.get_next = [](ArrowArrayStream* self, ArrowArray* array) { return of(self).give_array(array); };
    out.get_last_error = [](ArrowArrayStream* self) { return of(self).last_error.c_str(); };
    out.release = [](ArrowArrayStream* self) {
      ++g_released;
      self->release = nullptr;
    };
    return out;
  }

  int give_schema(ArrowSchema* schema) {
    schemas.assign(columns.size(), {});
    schema_pointers.clear();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      schemas[i].format = columns[i].format.c_str();
      schemas[i].name = columns[i].name.c_str();
      if (columns[i].dictionary) schemas[i].dictionary = &dictionary;
      schema_pointers.push_back(&schemas[i]);
    }
    *schema = {};
    schema->format = schema_format.c_str();
    schema->n_children = static_cast<std::int64_t>(columns.size());
    schema->children = schema_pointers.data();
    schema->release = [](ArrowSchema* self) { self->release = nullptr; };
    return 0;
  }

  int give_array(ArrowArray* array) {
    if (fails_at >= 0 && next == static_cast<std::size_t>(fails_at)) return 5;  // EIO
    *array = {};
    if (next == arrays.size()) return 0;
    const auto [offset, length] = arrays[next++];
    children.assign(columns.size(), {});
    child_pointers.clear();
    buffers.assign(columns.size(), {});
    for (std::size_t i = 0; i < columns.size(); ++i) {
      for (std::size_t b = 0; b < columns[i].buffers.size(); ++b)
        buffers[i].push_back(b < columns[i].absent.size() && columns[i].absent[b] ? nullptr
                                                                                  : columns[i].buffers[b].data());
      children[i].length = offset + length;
      children[i].offset = columns[i].offset;
      children[i].null_count = columns[i].null_count;
      children[i].n_buffers = static_cast<std::int64_t>(buffers[i].size());
      children[i].buffers = buffers[i].data();
      child_pointers.push_back(&children[i]);
    }
    array->length = length;
    array->offset = offset;
    array->n_buffers = 1;
    array->buffers = &none;
    array->n_children = static_cast<std::int64_t>(columns.size());
    array->children = child_pointers.data();
    array->release = [](ArrowArray* self) {
      ++g_released;
      self->release = nullptr;
    };
    return 0;
  }
};

HostTable over(ArrowArrayStream& stream) {
  HostTable host;
  host.arrow = {&stream};
  return host;
}

/// A source over an Arrow stream.
class Table : public HostSource {
 public:
  Table(ArrowArrayStream& stream, Schema schema) : HostSource(over(stream), std::move(schema)) {
    EXPECT_TRUE(!error().empty() || source().bounded());
  }

  /// Rows as text; a failure ends them with its text.
  std::vector<std::string> read(std::uint32_t capacity) {
    if (!error().empty()) return {error()};
    std::vector<std::string> rows;
    OwnedBatch batch(schema(), capacity, 0);
    for (int turn = 0; turn < 10000; ++turn) {
      batch->reset();
      const ReadStatus status = reader().read(*batch);
      if (status == ReadStatus::kFailed) {
        rows.push_back(reader().error().to_string());
        return rows;
      }
      for (std::string& row : row_texts(*batch)) rows.push_back(std::move(row));
      if (status == ReadStatus::kEnd) return rows;
    }
    ADD_FAILURE() << "no end";
    return rows;
  }
};

/// The values of one column, or the error.
std::vector<std::string> read_column(TestColumn column, Type type, std::int64_t rows, std::uint32_t capacity = 64) {
  TestStream test{.columns = {std::move(column)}, .arrays = {{0, rows}}};
  ArrowArrayStream stream = test.stream();
  Schema schema{{{test.columns[0].name, std::move(type)}}};
  return Table(stream, std::move(schema)).read(capacity);
}

Type not_null(Type type) {
  type.nullable = false;
  return type;
}

constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();

using Texts = std::vector<std::string>;

TEST(ArrowIn, IntegersWidenWithTheirSign) {
  const Type smallint = Type::of(TypeId::kSmallInt), integer = Type::integer(), bigint = Type::bigint();
  EXPECT_EQ(read_column(column_of<std::int8_t>("x", "c", {-128, 127}), Type::of(TypeId::kTinyInt), 2),
            (Texts{"-128", "127"}));
  EXPECT_EQ(read_column(column_of<std::uint8_t>("x", "C", {0, 255}), smallint, 2), (Texts{"0", "255"}));
  EXPECT_EQ(read_column(column_of<std::int16_t>("x", "s", {-32768}), integer, 1), (Texts{"-32768"}));
  EXPECT_EQ(read_column(column_of<std::uint16_t>("x", "S", {65535}), integer, 1), (Texts{"65535"}));
  EXPECT_EQ(read_column(column_of<std::uint32_t>("x", "I", {4294967295u}), bigint, 1), (Texts{"4294967295"}));
  EXPECT_EQ(read_column(column_of<std::int64_t>("x", "l", {kMin64}), bigint, 1), (Texts{std::to_string(kMin64)}));
}

TEST(ArrowIn, FloatsBitsAndDates) {
  EXPECT_EQ(read_column(column_of<float>("x", "f", {0.5f}), Type::float64(), 1), (Texts{"0.5"}));
  EXPECT_EQ(read_column(column_of<double>("x", "g", {-2.25}), Type::float64(), 1), (Texts{"-2.25"}));
  EXPECT_EQ(read_column(column_of<std::uint8_t>("x", "b", {0b101}), Type::boolean(), 3), (Texts{"1", "0", "1"}));
  EXPECT_EQ(read_column(column_of<std::int32_t>("x", "tdD", {-1}), Type::of(TypeId::kDate), 1), (Texts{"-1"}));
  EXPECT_EQ(read_column(column_of<std::int32_t>("x", "tiM", {14}), Type::of(TypeId::kIntervalMonth), 1), (Texts{"14"}));
}

TEST(ArrowIn, TimesBecomeNanoseconds) {
  const auto values = std::vector<std::int64_t>{1, -2};
  EXPECT_EQ(read_column(column_of("x", "tss:", values), Type::timestamp(0), 2), (Texts{"1000000000", "-2000000000"}));
  EXPECT_EQ(read_column(column_of("x", "tsm:UTC", values), Type::timestamp_ltz(3), 2), (Texts{"1000000", "-2000000"}));
  EXPECT_EQ(read_column(column_of("x", "tsu:Asia/Tokyo", values), Type::timestamp_ltz(6), 2), (Texts{"1000", "-2000"}));
  EXPECT_EQ(read_column(column_of("x", "tsn:", values), Type::timestamp(9), 2), (Texts{"1", "-2"}));
  EXPECT_EQ(read_column(column_of("x", "tDs", values), Type::of(TypeId::kIntervalDay), 2),
            (Texts{"1000000000", "-2000000000"}));
  Type time = Type::of(TypeId::kTime);
  time.precision = 3;
  EXPECT_EQ(read_column(column_of<std::int32_t>("x", "ttm", {86'399'999}), time, 1), (Texts{"86399999000000"}));
  EXPECT_THAT(read_column(column_of<std::int32_t>("x", "ttm", {0, 86'400'000}), time, 2)[0], HasSubstr("row 1"));
  EXPECT_THAT(read_column(column_of<std::int64_t>("x", "tss:", {9'223'372'037}), Type::timestamp(0), 1)[0],
              HasSubstr("do not fit TIMESTAMP(0)"));
}

TEST(ArrowIn, DecimalsOfEachWidth) {
  const Type narrow = Type::decimal(10, 2), wide = Type::decimal(38, 2);
  EXPECT_EQ(read_column(column_of<std::int32_t>("x", "d:9,2,32", {-7}), narrow, 1), (Texts{"-7"}));
  EXPECT_EQ(read_column(column_of<std::int64_t>("x", "d:10,2,64", {9'999'999'999}), narrow, 1), (Texts{"9999999999"}));
  EXPECT_EQ(read_column(column_of<Int128>("x", "d:10,2", {Int128{-5}}), wide, 1), (Texts{"-5"}));
  EXPECT_THAT(read_column(column_of<Int128>("x", "d:10,2", {Int128{10'000'000'000}}), narrow, 1)[0],
              HasSubstr("more digits than DECIMAL(10, 2)"));
  const Int128 least = static_cast<Int128>(Uint128{1} << 127);
  EXPECT_THAT(read_column(column_of<Int128>("x", "d:38,2", {least}), wide, 1)[0], HasSubstr("more digits"));
}

TEST(ArrowIn, StringsOfEachForm) {
  const Texts expected{"'short'", "''", "'a string that is longer than twelve'"};
  const std::string bytes = "shorta string that is longer than twelve";
  TestColumn narrow{"x", "u", {{}, bytes_of<std::int32_t>({0, 5, 5, 40}), bytes_of(bytes)}, {true}};
  TestColumn wide{"x", "U", {{}, bytes_of<std::int64_t>({0, 5, 5, 40}), bytes_of(bytes)}, {true}};
  std::vector<std::byte> views(48 + 64);
  const auto put = [&](std::size_t at, std::int32_t value) { std::memcpy(&views[at], &value, 4); };
  put(0, 5);
  std::memcpy(&views[4], "short", 5);
  put(32, 35);
  std::memcpy(&views[36], "a st", 4);
  put(44, 5);  // buffer 0, byte 5
  TestColumn viewed{"x", "vu", {{}, views, bytes_of(bytes), bytes_of<std::int64_t>({40})}, {true}};
  for (const TestColumn& column : {narrow, wide, viewed}) EXPECT_EQ(read_column(column, Type::string(), 3), expected);
  narrow.format = "z";
  EXPECT_EQ(read_column(narrow, Type::of(TypeId::kBytes), 3), expected);
  put(44, 6);
  viewed.buffers[1] = views;
  EXPECT_THAT(read_column(viewed, Type::string(), 3)[0], HasSubstr("a string view outside its buffer"));
  put(40, 1);
  viewed.buffers[1] = views;
  EXPECT_THAT(read_column(viewed, Type::string(), 3)[0], HasSubstr("a string view outside its buffer"));
  put(0, -1);
  viewed.buffers[1] = views;
  EXPECT_THAT(read_column(viewed, Type::string(), 3)[0], HasSubstr("negative length"));
}

TEST(ArrowIn, BytesThatAreNoTextAreRefusedAsStrings) {
  TestColumn column{"x", "u", {{}, bytes_of<std::int32_t>({0, 2, 3}), bytes_of(std::string("ab\xff"))}, {true}};
  EXPECT_THAT(read_column(column, Type::string(), 2)[0], HasSubstr("not valid UTF-8 (at row 1)"));
  column.format = "z";
  EXPECT_EQ(read_column(column, Type::of(TypeId::kBytes), 2).size(), 2u);
}

TEST(ArrowIn, OffsetsThatGoBackAreRefused) {
  TestColumn column{"x", "u", {{}, bytes_of<std::int32_t>({0, 2, 1}), bytes_of(std::string("ab"))}, {true}};
  EXPECT_THAT(read_column(column, Type::string(), 2)[0], HasSubstr("offsets of its strings go back"));
  column.buffers[1] = bytes_of<std::int32_t>({-1, 2, 2});
  EXPECT_THAT(read_column(column, Type::string(), 2)[0], HasSubstr("offsets of its strings go back"));
}

TEST(ArrowIn, NullsStandWhereTheirBitsDo) {
  TestColumn column{"x", "l", {bytes_of<std::uint8_t>({0b1101}), bytes_of<std::int64_t>({1, 2, 3, 4, 5})}};
  EXPECT_EQ(read_column(column, Type::bigint(), 4), (Texts{"1", "NULL", "3", "4"}));
  column.offset = 1;  // of the values and of the bits
  EXPECT_EQ(read_column(column, Type::bigint(), 3), (Texts{"NULL", "3", "4"}));
  EXPECT_THAT(read_column(column, not_null(Type::bigint()), 3)[0], HasSubstr("NULL in a column that is NOT NULL"));
  column.null_count = 0;  // the producer's word
  EXPECT_EQ(read_column(column, not_null(Type::bigint()), 3), (Texts{"2", "3", "4"}));
}

TEST(ArrowIn, ValuesUnderNullAreNotJudged) {
  TestColumn times{"x", "tss:", {bytes_of<std::uint8_t>({0b10}), bytes_of<std::int64_t>({kMin64, 1})}};
  EXPECT_EQ(read_column(times, Type::timestamp(0), 2), (Texts{"NULL", "1000000000"}));
  TestColumn decimals{"x", "d:4,0,64", {bytes_of<std::uint8_t>({0b10}), bytes_of<std::int64_t>({kMin64, 1})}};
  EXPECT_EQ(read_column(decimals, Type::decimal(4, 0), 2), (Texts{"NULL", "1"}));
}

// What goes out comes in again, for random rows, NULLs, selections, cuts of the stream and sizes of batches.

Schema every_type() {
  Type time = Type::of(TypeId::kTime);
  time.precision = 9;
  return {{{"flag", Type::boolean()},
           {"tiny", Type::of(TypeId::kTinyInt)},
           {"small", Type::of(TypeId::kSmallInt)},
           {"int", Type::integer()},
           {"big", Type::bigint()},
           {"float", Type::of(TypeId::kFloat)},
           {"double", Type::float64()},
           {"narrow", Type::decimal(18, 3)},
           {"wide", Type::decimal(38, 3)},
           {"text", Type::string()},
           {"bytes", Type::of(TypeId::kBytes)},
           {"date", Type::of(TypeId::kDate)},
           {"time", time},
           {"stamp", Type::timestamp(9)},
           {"instant", Type::timestamp_ltz(9)},
           {"span", Type::of(TypeId::kIntervalDay)},
           {"months", Type::of(TypeId::kIntervalMonth)}}};
}

void fill_at_random(Batch& batch, const Schema& schema, std::uint32_t rows, std::mt19937_64& random) {
  for (std::uint32_t c = 0; c < schema.size(); ++c) {
    Vector& column = batch.column(c);
    for (std::uint32_t row = 0; row < rows; ++row) {
      if (c % 3 != 0 && random() % 5 == 0) column.set_valid(row, false);
      const std::uint64_t value = random() >> (random() % 60);
      switch (column.physical) {
        case Physical::kInt8:
          column.values<std::int8_t>()[row] = static_cast<std::int8_t>(c == 0 ? value % 2 : value);
          break;
        case Physical::kInt16:
          column.values<std::int16_t>()[row] = static_cast<std::int16_t>(value);
          break;
        case Physical::kInt32:
          column.values<std::int32_t>()[row] = static_cast<std::int32_t>(value);
          break;
        case Physical::kInt64:
          column.values<std::int64_t>()[row] = static_cast<std::int64_t>(value % 86'400'000'000'000);
          break;
        case Physical::kInt128:
          column.values<Int128>()[row] = -Int128{static_cast<std::int64_t>(value >> 1)} * 1'000'000'007;
          break;
        case Physical::kFloat:
          column.values<float>()[row] = static_cast<float>(value) / 3;
          break;
        case Physical::kDouble:
          column.values<double>()[row] = static_cast<double>(value) / 7;
          break;
        default: {
          const std::string text(value % 30, static_cast<char>('a' + value % 26));
          EXPECT_TRUE(batch.heap().store(text, column.values<StringRef>()[row]));
        }
      }
    }
  }
  batch.set_row_count(rows);
}

/// A stream of exported batches.
struct ExportedStream {
  const Schema* of;
  std::vector<ArrowArray> arrays;
  std::size_t next = 0;
  ~ExportedStream() {
    for (; next < arrays.size(); ++next) arrays[next].release(&arrays[next]);
  }
  ArrowArrayStream stream() {
    ArrowArrayStream out = {};
    out.private_data = this;
    out.get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
      return export_schema(*static_cast<ExportedStream*>(self->private_data)->of, false, schema) ? 0 : 22;
    };
    out.get_next = [](ArrowArrayStream* self, ArrowArray* array) {
      auto& from = *static_cast<ExportedStream*>(self->private_data);
      *array = from.next < from.arrays.size() ? from.arrays[from.next++] : ArrowArray{};
      return 0;
    };
    out.release = [](ArrowArrayStream* self) { self->release = nullptr; };
    return out;
  }
};

TEST(ArrowRoundTrip, WhatGoesOutComesInAgain) {
  const Schema schema = every_type();
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::unique_ptr<OwnedBatch>> batches;
    std::vector<std::vector<std::uint32_t>> selections(4);
    ExportedStream exported{&schema, {}};
    Texts expected;
    for (std::size_t b = 0; b < 4; ++b) {
      batches.push_back(std::make_unique<OwnedBatch>(schema, 256, 1 << 16));
      Batch& batch = **batches.back();
      const auto rows = static_cast<std::uint32_t>(random() % 257);
      fill_at_random(batch, schema, rows, random);
      if (random() % 2 == 0) {
        for (std::uint32_t row = 0; row < rows; ++row)
          if (random() % 3 == 0) selections[b].push_back(row);
        selections[b].reserve(1);
        batch.set_selection(selections[b].data(), static_cast<std::uint32_t>(selections[b].size()));
      }
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        std::string text;
        for (std::uint32_t c = 0; c < schema.size(); ++c)
          text += (c == 0 ? "" : " ") + value_text(batch.column(c), batch.has_selection() ? batch.selection()[i] : i);
        expected.push_back(text);
      }
      ArrowArray array;
      const ArrowMemory memory = random() % 2 == 0 ? ArrowMemory::kBorrowed : ArrowMemory::kCopied;
      ASSERT_TRUE(export_batch(batch, schema, false, memory, &array));
      if (memory == ArrowMemory::kCopied) batch.reset();  // the array keeps its own
      exported.arrays.push_back(array);
    }
    ArrowArrayStream stream = exported.stream();
    const auto capacity = static_cast<std::uint32_t>(1 + random() % 300);
    EXPECT_EQ(Table(stream, schema).read(capacity), expected) << "seed " << seed << ", batches of " << capacity;
  }
}

TEST(ArrowRoundTrip, ValuesAtALineArePointedAt) {
  const Schema schema{{{"x", Type::bigint()}}};
  OwnedBatch batch(schema, 128, 0);
  batch->set_row_count(128);
  ArrowArray array;
  ASSERT_TRUE(export_batch(*batch, schema, false, ArrowMemory::kBorrowed, &array));
  EXPECT_EQ(array.children[0]->buffers[1], batch->column(0).data);
  ExportedStream exported{&schema, {array}};
  ArrowArrayStream stream = exported.stream();
  HostTable host;
  host.arrow = {&stream};
  TableContext context;
  context.table = "t";
  context.schema = schema;
  context.columns = {{0, 0}};
  context.options = {{"connector", "host"}};
  context.host = &host;
  auto source = make_source(context);
  ASSERT_TRUE(source) << source.error().to_string();
  ManualClock clock;
  SimWorld world(clock, 1);
  auto backend = std::move(*make_sim_backend(world));
  auto reader = std::move(*(*source)->open(0, *backend, {}));
  OwnedBatch out(schema, 64, 0);
  ASSERT_EQ(reader->read(*out), ReadStatus::kRows);
  EXPECT_EQ(out->column(0).data, batch->column(0).data);
  out->reset();
  ASSERT_EQ(reader->read(*out), ReadStatus::kRows);
  EXPECT_EQ(out->column(0).data, batch->column(0).values<std::int64_t>() + 64);
}

TEST(ArrowOut, SchemasNameFormatsAndNullability) {
  Schema schema = every_type();
  schema.fields[4].type.nullable = false;
  ArrowSchema out;
  ASSERT_TRUE(export_schema(schema, true, &out));
  EXPECT_STREQ(out.format, "+s");
  Texts seen;
  for (std::int64_t i = 0; i < out.n_children; ++i)
    seen.push_back(std::string(out.children[i]->name) + " " + out.children[i]->format +
                   (out.children[i]->flags == ARROW_FLAG_NULLABLE ? "" : " not null"));
  EXPECT_EQ(seen, (Texts{"row_kind c not null", "flag b", "tiny c", "small s", "int i", "big l not null", "float f",
                         "double g", "narrow d:18,3", "wide d:38,3", "text u", "bytes z", "date tdD", "time ttn",
                         "stamp tsn:", "instant tsn:UTC", "span tDn", "months tiM"}));
  // A consumer may move a child away and release the rest first.
  ArrowSchema moved = *out.children[3];
  out.children[3]->release = nullptr;
  out.release(&out);
  EXPECT_EQ(out.release, nullptr);
  EXPECT_STREQ(moved.name, "small");
  moved.release(&moved);
}

TEST(ArrowOut, KindsStandInFront) {
  const Schema schema{{{"x", Type::bigint()}}};
  std::vector<Physical> columns{Physical::kInt64};
  const BatchLayout layout{columns, 8, 0, true, true};
  std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(64, layout.bytes()), std::free);
  Batch* batch = Batch::create(layout, memory.get());
  batch->set_row_count(3);
  batch->kinds()[1] = RowKind::kUpdateAfter;
  batch->kinds()[2] = RowKind::kDelete;
  const std::uint32_t selection[] = {1, 2};
  batch->set_selection(selection, 2);
  ArrowArray array;
  ASSERT_TRUE(export_batch(*batch, schema, true, ArrowMemory::kBorrowed, &array));
  ASSERT_EQ(array.n_children, 2);
  EXPECT_EQ(array.length, 2);
  const auto* kinds = static_cast<const std::int8_t*>(array.children[0]->buffers[1]);
  EXPECT_EQ(kinds[0], 2);
  EXPECT_EQ(kinds[1], 3);
  array.release(&array);
}

TEST(ArrowOut, NestedTypesAreRefused) {
  ArrowSchema out;
  auto done = export_schema({{{"x", Type::of(TypeId::kArray)}}}, false, &out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(done.error().to_string(), HasSubstr("column x"));
}

// What is refused when the job is made.

struct Misfit {
  const char* format;
  Type type;
  const char* says;
};

TEST(ArrowIn, WhatDoesNotFitIsRefusedBeforeTheStart) {
  Type time = Type::of(TypeId::kTime);
  time.precision = 3;
  const Misfit kMisfits[] = {
      {"L", Type::bigint(), "no type of Weir holds Arrow's format 'L'"},
      {"+l", Type::of(TypeId::kArray), "no type of Weir holds"},
      {"w:16", Type::of(TypeId::kBytes), "no type of Weir holds"},
      {"tts:", time, "no type of Weir holds"},
      {"tsn", Type::timestamp(9), "no type of Weir holds"},
      {"tsx:", Type::timestamp(9), "no type of Weir holds"},
      {"d:10,2,256", Type::decimal(10, 2), "no type of Weir holds"},
      {"d:10", Type::decimal(10, 0), "no type of Weir holds"},
      {"d:10,2x", Type::decimal(10, 2), "no type of Weir holds"},
      {"", Type::bigint(), "no type of Weir holds"},
      {"l", Type::integer(), "does not fit INT without loss"},
      {"I", Type::integer(), "does not fit INT without loss"},
      {"l", Type::timestamp(9), "does not fit TIMESTAMP(9) without loss"},
      {"g", Type::of(TypeId::kFloat), "does not fit FLOAT without loss"},
      {"tsn:", Type::timestamp(3), "need a precision of 0, 3, 6 and 9"},
      {"tsm:UTC", Type::timestamp(3), "a timestamp with a zone is TIMESTAMP_LTZ"},
      {"tsm:", Type::timestamp_ltz(3), "a timestamp with a zone is TIMESTAMP_LTZ"},
      {"ttu", time, "does not fit TIME(3) without loss"},
      {"d:10,3", Type::decimal(10, 2), "does not fit DECIMAL(10, 2) without loss"},
      {"d:11,2", Type::decimal(10, 2), "does not fit DECIMAL(10, 2) without loss"},
      {"u", Type::of(TypeId::kBytes), "does not fit"},
      {"z", Type::string(), "does not fit"},
  };
  for (const Misfit& misfit : kMisfits)
    EXPECT_THAT(read_column(column_of<std::int64_t>("x", misfit.format, {1}), misfit.type, 1)[0],
                HasSubstr(misfit.says))
        << misfit.format;
}

TEST(ArrowIn, AColumnThatIsMissingOrADictionaryIsRefused) {
  TestStream test{.columns = {column_of<std::int64_t>("y", "l", {1})}, .arrays = {{0, 1}}};
  ArrowArrayStream stream = test.stream();
  EXPECT_THAT(Table(stream, {{{"x", Type::bigint()}}}).error(), HasSubstr("no column of that name"));
  test.columns[0].dictionary = true;
  EXPECT_THAT(Table(stream, {{{"y", Type::bigint()}}}).error(), HasSubstr("dictionary"));
  test.schema_format = "l";
  EXPECT_THAT(Table(stream, {{{"y", Type::bigint()}}}).error(), HasSubstr("not one of structs"));
  stream.release = nullptr;
  EXPECT_THAT(Table(stream, {{{"y", Type::bigint()}}}).error(), HasSubstr("released already"));
}

// How streams end.

TEST(ArrowIn, ArraysOfAnyLengthAndOffsetAreOneStream) {
  std::vector<std::int64_t> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i);
  for (const std::uint32_t capacity : {1u, 7u, 64u, 1024u}) {
    TestStream test{.columns = {column_of("x", "l", values)},
                    .arrays = {{0, 10}, {10, 0}, {10, 300}, {310, 1}, {311, 689}, {0, 0}}};
    ArrowArrayStream stream = test.stream();
    Texts expected;
    for (const std::int64_t value : values) expected.push_back(std::to_string(value));
    EXPECT_EQ(Table(stream, {{{"x", Type::bigint()}}}).read(capacity), expected);
  }
}

TEST(ArrowIn, EveryArrayAndTheStreamAreReleasedOnce) {
  g_released = 0;
  {
    TestStream test{.columns = {column_of<std::int64_t>("x", "l", {1, 2, 3})}, .arrays = {{0, 1}, {1, 1}, {2, 1}}};
    ArrowArrayStream stream = test.stream();
    Table table(stream, {{{"x", Type::bigint()}}});
    EXPECT_EQ(stream.release, nullptr);  // moved into the reader
    EXPECT_EQ(table.read(64).size(), 3u);
  }
  EXPECT_EQ(g_released, 4);
}

TEST(ArrowIn, AStreamThatFailsSaysWhy) {
  TestStream test{.columns = {column_of<std::int64_t>("x", "l", {1, 2})}, .arrays = {{0, 1}, {1, 1}}, .fails_at = 1};
  ArrowArrayStream stream = test.stream();
  const Texts rows = Table(stream, {{{"x", Type::bigint()}}}).read(64);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], "1");
  EXPECT_THAT(rows[1], HasSubstr("the producer has had enough"));
}

TEST(ArrowIn, DrainEndsTheStream) {
  TestStream test{.columns = {column_of<std::int64_t>("x", "l", {1, 2})}, .arrays = {{0, 1}, {1, 1}}};
  ArrowArrayStream stream = test.stream();
  Table table(stream, {{{"x", Type::bigint()}}});
  table.reader().drain();
  EXPECT_EQ(table.read(64), Texts{});
}

TEST(ArrowIn, ArraysThatContradictTheirSchemaAreRefused) {
  const auto read_with = [](const std::function<void(ArrowArray&)>& change) {
    static std::function<void(ArrowArray&)> changer;
    changer = change;
    TestStream test{.columns = {column_of<std::int64_t>("x", "l", {1, 2})}, .arrays = {{0, 2}}};
    ArrowArrayStream stream = test.stream();
    stream.get_next = [](ArrowArrayStream* self, ArrowArray* array) {
      const int code = TestStream::of(self).give_array(array);
      if (array->release != nullptr) changer(*array);
      return code;
    };
    return Table(stream, {{{"x", Type::bigint()}}}).read(64)[0];
  };
  EXPECT_THAT(read_with([](ArrowArray& array) { array.length = -1; }), HasSubstr("a negative length or offset"));
  EXPECT_THAT(read_with([](ArrowArray& array) { array.n_children = 0; }), HasSubstr("fewer columns than its schema"));
  EXPECT_THAT(read_with([](ArrowArray& array) { array.length = 3; }), HasSubstr("fewer rows in column x"));
  EXPECT_THAT(read_with([](ArrowArray& array) { array.children[0]->n_buffers = 1; }), HasSubstr("lacks a buffer"));
  static const std::uint8_t kBits = 1;
  static const void* const kBuffers[] = {&kBits};
  EXPECT_THAT(read_with([](ArrowArray& array) {
                array.buffers = const_cast<const void**>(kBuffers);
                array.null_count = 1;
              }),
              HasSubstr("NULL as a whole"));
}

}  // namespace
}  // namespace weir
