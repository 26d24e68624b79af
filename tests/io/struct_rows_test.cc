// Rows as structs of the host: every form of field into every type that takes it, blocks of any size into batches of
// any size, times in their own unit, and what is refused.
#include <gmock/gmock.h>

#include <cstring>
#include <functional>

#include "io/host_source.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using testing::HostSource;
using testing::OwnedBatch;
using testing::row_texts;
using testing::value_text;

#pragma pack(push, 1)
struct Packed {
  std::int8_t i8;
  std::int16_t i16;
  std::int32_t i32;
  std::int64_t i64;
  std::uint8_t u8;
  std::uint16_t u16;
  std::uint32_t u32;
  std::uint64_t u64;
  Int128 i128;
  std::uint8_t flag;
  float f32;
  double f64;
};
#pragma pack(pop)

StructLayout packed_layout() {
  return {sizeof(Packed),
          {{"i8", offsetof(Packed, i8), FieldForm::kInt8},
           {"i16", offsetof(Packed, i16), FieldForm::kInt16},
           {"i32", offsetof(Packed, i32), FieldForm::kInt32},
           {"i64", offsetof(Packed, i64), FieldForm::kInt64},
           {"u8", offsetof(Packed, u8), FieldForm::kUInt8},
           {"u16", offsetof(Packed, u16), FieldForm::kUInt16},
           {"u32", offsetof(Packed, u32), FieldForm::kUInt32},
           {"u64", offsetof(Packed, u64), FieldForm::kUInt64},
           {"i128", offsetof(Packed, i128), FieldForm::kInt128},
           {"flag", offsetof(Packed, flag), FieldForm::kBool},
           {"f32", offsetof(Packed, f32), FieldForm::kFloat},
           {"f64", offsetof(Packed, f64), FieldForm::kDouble}}};
}

/// Reads to the end in batches of `capacity`.
std::vector<std::string> read_all(HostSource& table, std::uint32_t capacity) {
  OwnedBatch batch(table.schema(), capacity, 0);
  std::vector<std::string> rows;
  for (int turn = 0; turn < 10000; ++turn) {
    batch->reset();
    const ReadStatus status = table.reader().read(*batch);
    EXPECT_NE(status, ReadStatus::kFailed);
    for (std::string& row : row_texts(*batch)) rows.push_back(std::move(row));
    if (status == ReadStatus::kEnd || status == ReadStatus::kFailed) return rows;
  }
  ADD_FAILURE() << "no end";
  return rows;
}

/// Gives the packed structs in blocks of the sizes, then the end.
HostTable blocks_of(const std::vector<Packed>& structs, std::vector<std::size_t> sizes) {
  HostTable host;
  host.structs = packed_layout();
  host.read_structs = [&structs, sizes, at = std::size_t{0}, block = std::size_t{0}](std::uint32_t,
                                                                                     StructRows& rows) mutable {
    if (at == structs.size()) return ReadStatus::kEnd;
    rows.first = structs.data() + at;
    rows.count = std::min(sizes[block++ % sizes.size()], structs.size() - at);
    at += rows.count;
    return at % 2 == 0 ? ReadStatus::kPending : ReadStatus::kRows;
  };
  return host;
}

std::vector<Packed> some_structs(std::size_t count) {
  std::vector<Packed> structs(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto n = static_cast<std::int64_t>(i);
    structs[i] = {static_cast<std::int8_t>(n - 100),
                  static_cast<std::int16_t>(n * 257 - 30000),
                  static_cast<std::int32_t>(n * -70001),
                  n * 5'000'000'000'000,
                  static_cast<std::uint8_t>(255 - n),
                  static_cast<std::uint16_t>(65535 - n),
                  static_cast<std::uint32_t>(4294967295u - n),
                  ~std::uint64_t{0} - i,
                  -(Int128{n} << 90),
                  static_cast<std::uint8_t>(n % 4),
                  static_cast<float>(n) / 4,
                  static_cast<double>(n) / -8};
  }
  return structs;
}

Schema schema_of(const std::vector<std::pair<std::string, Type>>& columns) {
  Schema schema;
  for (const auto& [name, type] : columns) schema.fields.push_back({name, type});
  return schema;
}

const Schema& own_types() {
  static const Schema schema = schema_of({{"f64", Type::float64()},
                                          {"flag", Type::boolean()},
                                          {"i8", Type::of(TypeId::kTinyInt)},
                                          {"u8", Type::of(TypeId::kSmallInt)},
                                          {"i16", Type::of(TypeId::kSmallInt)},
                                          {"u16", Type::integer()},
                                          {"i32", Type::integer()},
                                          {"u32", Type::bigint()},
                                          {"i64", Type::bigint()},
                                          {"u64", Type::decimal(20, 0)},
                                          {"i128", Type::decimal(38, 0)},
                                          {"f32", Type::of(TypeId::kFloat)}});
  return schema;
}

std::vector<std::string> expected_rows(const std::vector<Packed>& structs) {
  std::vector<std::string> rows;
  OwnedBatch one(own_types(), 1, 0);
  for (const Packed& row : structs) {
    one->reset();
    one->set_row_count(1);
    std::uint32_t c = 0;
    const auto put = [&](auto value) { *one->column(c++).values<decltype(value)>() = value; };
    put(double{row.f64});
    put(static_cast<std::int8_t>(row.flag != 0));
    put(std::int8_t{row.i8});
    put(std::int16_t{row.u8});
    put(std::int16_t{row.i16});
    put(std::int32_t{row.u16});
    put(std::int32_t{row.i32});
    put(std::int64_t{row.u32});
    put(std::int64_t{row.i64});
    put(static_cast<Int128>(row.u64));
    put(static_cast<Int128>(row.i128));
    put(float{row.f32});
    rows.push_back(row_texts(*one)[0]);
  }
  return rows;
}

TEST(StructRows, FieldsOfEveryFormReachTheirColumnsWhateverTheBlocksAndBatches) {
  const std::vector<Packed> structs = some_structs(100);
  const std::vector<std::string> expected = expected_rows(structs);
  for (const std::uint32_t capacity : {1u, 3u, 64u, 128u})
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{100}, {1}, {7, 2}, {64, 1}, {std::size_t{3}, 50}}) {
      SCOPED_TRACE("batches of " + std::to_string(capacity) + ", blocks of " + std::to_string(sizes[0]));
      HostSource table(blocks_of(structs, sizes), own_types());
      ASSERT_EQ(table.error(), "");
      EXPECT_EQ(read_all(table, capacity), expected);
      EXPECT_EQ(table.reader().records(), 100u);
      EXPECT_EQ(table.reader().bytes(), 100 * sizeof(Packed));
    }
}

/// Every second column is deferred.
TEST(StructRows, DeferredColumnsAreFilledForTheRowsThatAreSelectedThen) {
  const std::vector<Packed> structs = some_structs(100);
  const std::vector<std::string> expected = expected_rows(structs);
  for (const std::uint32_t every : {1u, 2u, 7u})
    for (const std::uint32_t capacity : {1u, 3u, 64u, 128u}) {
      SCOPED_TRACE("batches of " + std::to_string(capacity) + ", one row in " + std::to_string(every));
      HostSource table(blocks_of(structs, {7, 50}), own_types(), true);
      OwnedBatch batch(table.schema(), capacity, 0);
      std::size_t first = 0;
      for (ReadStatus status = ReadStatus::kRows; status != ReadStatus::kEnd;) {
        batch->reset();
        EXPECT_FALSE(batch->has_deferred());
        status = table.reader().read(*batch);
        EXPECT_EQ(batch->has_deferred(), batch->row_count() != 0);
        std::vector<std::uint32_t> rows;
        for (std::uint32_t row = 0; row < batch->row_count(); row += every) rows.push_back(row);
        if (every != 1) batch->set_selection(rows.data(), static_cast<std::uint32_t>(rows.size()));
        batch->fill_deferred();
        EXPECT_FALSE(batch->has_deferred());
        const std::vector<std::string> texts = row_texts(*batch);
        for (const std::uint32_t row : rows) EXPECT_EQ(texts[row], expected[first + row]);
        first += batch->row_count();
      }
      EXPECT_EQ(first, structs.size());
    }
}

TEST(StructRows, NarrowFieldsWidenToEveryWiderType) {
  const std::vector<Packed> structs = some_structs(5);
  const Type small = Type::of(TypeId::kSmallInt), wide = Type::decimal(38, 0);
  for (const char* field : {"i8", "u8", "i16", "u16", "i32", "u32", "i64"})
    for (const Type& type : {small, Type::integer(), Type::bigint(), Type::decimal(18, 0), wide}) {
      SCOPED_TRACE(std::string(field) + " to " + type.to_string());
      HostSource table(blocks_of(structs, {5}), schema_of({{field, type}}));
      const std::string name = field;
      const int bits = std::stoi(name.substr(1)) + (name[0] == 'u' ? 1 : 0);
      const int room =
          type.physical() == Physical::kInt128 ? 128 : static_cast<int>(physical_size(type.physical())) * 8;
      if (bits > room) {
        EXPECT_THAT(table.error(), HasSubstr("without loss"));
        continue;
      }
      ASSERT_EQ(table.error(), "");
      OwnedBatch batch(table.schema(), 8, 0);
      ASSERT_EQ(table.reader().read(*batch), ReadStatus::kRows);
      ASSERT_EQ(batch->row_count(), 5u);
      for (std::uint32_t row = 0; row < 5; ++row) {
        Int128 value = 0;
        std::memcpy(&value, static_cast<const char*>(batch->column(0).data) + row * static_cast<std::size_t>(room / 8),
                    static_cast<std::size_t>(room / 8));
        if (room < 128) value = value << (128 - room) >> (128 - room);
        const Packed& from = structs[row];
        const Int128 expected = name == "i8"    ? Int128{from.i8}
                                : name == "u8"  ? Int128{from.u8}
                                : name == "i16" ? Int128{from.i16}
                                : name == "u16" ? Int128{from.u16}
                                : name == "i32" ? Int128{from.i32}
                                : name == "u32" ? Int128{from.u32}
                                                : Int128{from.i64};
        EXPECT_TRUE(value == expected) << "row " << row;
      }
    }
}

struct Tick {
  std::int64_t seconds;
  std::uint32_t ms;
};

HostTable ticks(const std::vector<Tick>& rows, std::int64_t shift_ns, std::int64_t unit_ns = 1'000'000'000) {
  HostTable host;
  host.structs = {sizeof(Tick),
                  {{"ts", offsetof(Tick, seconds), FieldForm::kInt64, unit_ns},
                   {"at", offsetof(Tick, ms), FieldForm::kUInt32, 1'000'000}}};
  host.read_structs = [&rows, shift_ns](std::uint32_t, StructRows& block) {
    block = {rows.data(), rows.size(), shift_ns};
    return ReadStatus::kEnd;
  };
  return host;
}

TEST(StructRows, TimesInTheirOwnUnitBecomeEventTimes) {
  const std::vector<Tick> rows = {{-3, 0}, {0, 4'000'000'000u}, {1'700'000'000, 1}};
  HostSource table(ticks(rows, -2'000'000), schema_of({{"ts", Type::timestamp(3)}, {"at", Type::timestamp_ltz(3)}}));
  ASSERT_EQ(table.error(), "");
  EXPECT_EQ(read_all(table, 2), (std::vector<std::string>{"-3002000000 -2000000", "-2000000 3999999998000000",
                                                          "1699999999998000000 -1000000"}));
}

TEST(StructRows, ATimeOutOfRangeOrAShiftBelowThePrecisionFailsTheReader) {
  const std::vector<Tick> far = {{0, 0}, {10'000'000'000, 0}};
  const Schema schema = schema_of({{"ts", Type::timestamp(3)}});
  HostSource out_of_range(ticks(far, 0), schema);
  OwnedBatch batch(schema, 8, 0);
  EXPECT_EQ(out_of_range.reader().read(*batch), ReadStatus::kFailed);
  EXPECT_EQ(out_of_range.reader().error().code(), ErrorCode::kValueOutOfRange);
  const std::vector<Tick> near = {{0, 0}};
  HostSource odd_shift(ticks(near, 1), schema);
  batch->reset();
  EXPECT_EQ(odd_shift.reader().read(*batch), ReadStatus::kFailed);
  EXPECT_EQ(odd_shift.reader().error().code(), ErrorCode::kValueOutOfRange);
}

TEST(StructRows, LayoutsThatCannotBeReadAreRefusedByName) {
  const std::vector<Packed> none;
  const auto refused = [&](const Schema& schema, const std::function<void(StructLayout&)>& change) {
    HostTable host = blocks_of(none, {1});
    change(host.structs);
    return HostSource(std::move(host), schema).error();
  };
  const auto nothing = [](StructLayout&) {};
  EXPECT_THAT(refused(schema_of({{"absent", Type::bigint()}}), nothing), HasSubstr("column absent of table t"));
  EXPECT_THAT(refused(schema_of({{"i64", Type::integer()}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"u64", Type::bigint()}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"f64", Type::of(TypeId::kFloat)}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"i8", Type::boolean()}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"i64", Type::string()}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"u64", Type::timestamp(3)}}), nothing), HasSubstr("without loss"));
  EXPECT_THAT(refused(schema_of({{"i64", Type::timestamp(3)}}), nothing), HasSubstr("unit of 0 ns"));
  EXPECT_THAT(refused(schema_of({{"i64", Type::timestamp(3)}}), [](StructLayout& l) { l.fields[3].unit_ns = 1000; }),
              HasSubstr("TIMESTAMP(3) cannot show"));
  EXPECT_EQ(refused(schema_of({{"i64", Type::timestamp(6)}}), [](StructLayout& l) { l.fields[3].unit_ns = 1000; }), "");
  EXPECT_THAT(refused(schema_of({{"i64", Type::bigint()}}), [](StructLayout& l) { l.fields[3].unit_ns = 1000; }),
              HasSubstr("not a TIMESTAMP"));
  EXPECT_THAT(refused(schema_of({{"f64", Type::float64()}}), [](StructLayout& l) { --l.stride; }),
              HasSubstr("reaches beyond"));
  EXPECT_THAT(refused(schema_of({{"f64", Type::float64()}}), [](StructLayout& l) { l.fields[11].offset = ~0u; }),
              HasSubstr("reaches beyond"));
  HostTable no_reader = blocks_of(none, {1});
  no_reader.read_structs = nullptr;
  EXPECT_THAT(HostSource(std::move(no_reader), schema_of({{"i8", Type::bigint()}})).error(),
              HasSubstr("no host fills"));
}

TEST(StructRows, DrainGivesTheRowsThatTheHostHasGivenAndNoMore) {
  const std::vector<Packed> structs = some_structs(10);
  HostSource table(blocks_of(structs, {6}), schema_of({{"i64", Type::bigint()}}));
  OwnedBatch batch(table.schema(), 4, 0);
  EXPECT_EQ(table.reader().read(*batch), ReadStatus::kRows);
  table.reader().drain();
  batch->reset();
  EXPECT_NE(table.reader().read(*batch), ReadStatus::kEnd);
  EXPECT_EQ(batch->row_count(), 2u);
  batch->reset();
  EXPECT_EQ(table.reader().read(*batch), ReadStatus::kEnd);
  EXPECT_EQ(batch->row_count(), 0u);
  EXPECT_EQ(table.reader().records(), 6u);
}

TEST(StructRows, AHostThatFailsFailsTheReader) {
  HostTable host;
  host.structs = packed_layout();
  host.read_structs = [](std::uint32_t, StructRows&) { return ReadStatus::kFailed; };
  HostSource table(std::move(host), schema_of({{"i8", Type::bigint()}}));
  OwnedBatch batch(table.schema(), 4, 0);
  EXPECT_EQ(table.reader().read(*batch), ReadStatus::kFailed);
  EXPECT_EQ(table.reader().error().code(), ErrorCode::kUserFunction);
}

}  // namespace
}  // namespace weir
