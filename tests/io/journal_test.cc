// The journal: what was written comes back, copied or pointed at, however it is cut; damage is seen and never read as
// rows; the index finds frames, with its end torn off too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fuzz/format_property.h"
#include "journal/crc32c.h"
#include "journal/journal_index.h"
#include "journal/journal_layout.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Schema all_types() {
  return schema_of_all_types(false);
}

FormatContext journal(Schema schema, std::map<std::string, std::string> options = {}) {
  return context_of("journal", std::move(schema), std::move(options));
}

/// Rows as csv of every type, some NULL, some texts long.
std::string csv_rows(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < rows; ++i) {
    const auto field = [&](std::string value) { text += (random() % 5 == 0 ? std::string() : value) + ","; };
    text += std::to_string(i) + ",";  // NOT NULL
    field("7");
    field(std::to_string(random() % 30000));
    field(std::to_string(std::int64_t(random()) * 1000));
    field("1.5");
    field("-2.25");
    field("3." + std::to_string(random() % 10));
    field("12345678901234567890.5");
    field(random() % 2 == 0 ? "true" : "false");
    field("2020-12-30");
    field("12:13:14.123");
    field("2020-12-30 12:13:" + std::to_string(10 + random() % 50));
    field("2020-12-30 12:13:14Z");
    field(std::string(random() % 30, static_cast<char>('a' + random() % 26)));
    text += "aGVsbG8sIHdvcmxkOiB0aGlzIGlzIGxvbmc=\n";
  }
  return text;
}

/// The journal of the rows that the csv text has, and the rows themselves. `batch` rows are written at a time.
std::string journal_of(const FormatContext& context, const std::string& csv, std::vector<std::string>* rows,
                       std::uint32_t batch_rows = 16, std::size_t buffer = 65536, bool close = true) {
  auto encoder = make_encoder(context);
  WEIR_CHECK(encoder.has_value());
  auto decoder = make_decoder(context_of("csv", context.schema));
  DecodePlan plan;
  plan.capacity = batch_rows;
  std::string out;
  const Decoded decoded = decode_with(**decoder, context.schema, csv, plan,
                                      [&](const Batch& batch) { out += encode_all(**encoder, batch, buffer); });
  EXPECT_THAT(decoded.bad, IsEmpty());
  if (rows != nullptr) *rows = decoded.rows;
  if (close) {
    std::string end((*encoder)->end_bytes(), '\0');
    const std::size_t size = (*encoder)->finish(end);
    out.append(end, 0, size);
  }
  return out;
}

std::vector<std::string> reasons(const Decoded& decoded) {
  std::vector<std::string> text;
  for (const BadCopy& bad : decoded.bad)
    text.push_back(std::to_string(bad.byte) + " " + std::string(error_code_name(bad.code)) + ": " + bad.reason);
  return text;
}

TEST(Crc32c, TheInstructionAndTheTablesGiveWhatThePolynomialGives) {
  EXPECT_EQ(detail::crc32c("123456789", 9), 0xe3069283u);  // RFC 3720, the check value
  const std::string zeros(32, '\0');
  EXPECT_EQ(detail::crc32c(zeros.data(), zeros.size()), 0x8a9136aau);  // RFC 3720, B.4
  std::mt19937 random(1);
  std::string bytes(20000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (int round = 0; round < 200; ++round) {
    const std::size_t from = random() % 100, size = random() % (bytes.size() - from), cut = random() % (size + 1);
    std::uint32_t state = ~0u;  // bit by bit
    for (std::size_t i = from; i < from + size; ++i) {
      state ^= static_cast<unsigned char>(bytes[i]);
      for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82f63b78u : 0);
    }
    const char* const at = bytes.data() + from;
    ASSERT_EQ(detail::crc32c(at, size), ~state);
    ASSERT_EQ(detail::crc32c_portable(at, size), ~state);
    ASSERT_EQ(detail::crc32c(at + cut, size - cut, detail::crc32c(at, cut)), ~state);
  }
}

TEST(Journal, EveryTypeComesBackAsItWasWritten) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(100, 1), &rows);
  EXPECT_EQ(rows.size(), 100u);
  EXPECT_EQ(bytes.size() % 64, 0u);
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_EQ(decoded.rows, rows);
  EXPECT_THAT(reasons(decoded), IsEmpty());
  EXPECT_EQ(decoded.records, 100u);
}

TEST(Journal, CutAnywhereAndReadInSmallBatchesTheRowsAreTheSame) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(60, 2), &rows);
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    DecodePlan plan;
    plan.capacity = static_cast<std::uint32_t>(1 + random() % 20);
    plan.heap = 200;
    const std::size_t step = round == 0 ? 1 : 1 + random() % 3000;
    for (std::size_t at = 1 + random() % step; at < bytes.size(); at += 1 + random() % step) plan.cuts.push_back(at);
    const Decoded cut = decode_all(context, bytes, plan);
    ASSERT_EQ(cut.rows, rows) << "round " << round;
    ASSERT_THAT(reasons(cut), IsEmpty());
  }
}

TEST(Journal, ABatchPointsAtTheFrameWhereItMayAndHoldsTheSameRows) {
  FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(50, 3), &rows);
  context.may_borrow = true;
  auto decoder = make_decoder(context);
  std::unique_ptr<char, void (*)(void*)> memory(static_cast<char*>(std::aligned_alloc(64, bytes.size() + 64)),
                                                std::free);
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  OwnedBatch batch(context.schema, 64, 1 << 16);
  std::vector<std::string> read;
  std::size_t borrowed = 0;
  const BadRecordHandler no_bad = [](const BadRecord&) { return false; };
  for (std::size_t at = 0; at < bytes.size();) {
    batch->reset();
    const DecodeResult result = (*decoder)->decode({memory.get() + at, bytes.size() - at}, *batch, no_bad);
    for (std::uint32_t row = 0; row < batch->row_count(); ++row) read.push_back(row_text(*batch, row));
    if (result.borrowed) {
      ++borrowed;
      EXPECT_GE(batch->column(3).data, memory.get());
      EXPECT_LT(batch->column(3).data, memory.get() + bytes.size());
    }
    at += result.consumed;
  }
  EXPECT_EQ(read, rows);
  EXPECT_EQ(borrowed, 4u);  // 50 rows, 16 a batch
}

TEST(Journal, OnlySelectedRowsAreWrittenAndColumnsAreFoundByName) {
  const Schema schema{{{"n", Type::bigint()}, {"s", Type::string()}}};
  OwnedBatch batch(schema, 8, 1000);
  for (std::uint32_t row = 0; row < 6; ++row) {
    batch->column(0).values<std::int64_t>()[row] = row * 10;
    ASSERT_TRUE(batch->heap().store("row number " + std::to_string(row), batch->column(1).values<StringRef>()[row]));
  }
  batch->set_row_count(6);
  batch->column(0).set_valid(3, false);
  const std::uint32_t selection[] = {1, 3, 5};
  batch->set_selection(selection, 3);
  auto encoder = make_encoder(journal(schema));
  const std::string bytes = encode_all(**encoder, *batch, 65536);
  const Schema other{{{"s", Type::string()}, {"n", Type::bigint()}}};
  EXPECT_THAT(decode_all(journal(other), bytes).rows,
              ElementsAre("'row number 1'|10", "'row number 3'|NULL", "'row number 5'|50"));
}

TEST(Journal, AHeaderThatDoesNotFitTheTableEndsTheInputWithTheReason) {
  const std::string bytes = journal_of(journal(all_types()), csv_rows(3, 1), nullptr);
  const Decoded missing = decode_all(journal({{{"nowhere", Type::bigint()}}}), bytes);
  EXPECT_THAT(missing.rows, IsEmpty());
  EXPECT_TRUE(missing.stopped);
  EXPECT_THAT(reasons(missing),
              ElementsAre(HasSubstr("MissingField: the journal has no column 'nowhere'; it has a, b")));
  EXPECT_THAT(reasons(decode_all(journal({{{"d", Type::integer()}}}), bytes)),
              ElementsAre(HasSubstr("column 'd' is BIGINT in the journal and INT in the table")));
  EXPECT_THAT(reasons(decode_all(journal(all_types()), std::string(300, 'x'))),
              ElementsAre(HasSubstr("0 Corrupt: the input does not begin as a journal does")));
}

/// Places of the frames.
std::vector<std::size_t> frames_of(const std::string& bytes) {
  std::vector<std::size_t> places;
  for (std::size_t at = detail::journal_header_bytes({bytes.data(), 64}); at < bytes.size();) {
    const auto header = detail::read_frame_header({bytes.data() + at, 64});
    if (!header.has_value()) break;
    places.push_back(at);
    at += header->bytes;
  }
  return places;
}

TEST(Journal, ATornEndGivesTheWholeFramesBeforeItAndIsTold) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(40, 4), &rows);
  const std::vector<std::size_t> places = frames_of(bytes);
  ASSERT_EQ(places.size(), 5u);  // 16 + 16 + 8 rows, index, end
  for (std::size_t size = places[0]; size < bytes.size(); size += 29) {
    const Decoded torn = decode_all(context, bytes.substr(0, size));
    const std::size_t whole = size < places[1] ? 0 : size < places[2] ? 16 : size < places[3] ? 32 : 40;
    ASSERT_EQ(torn.rows.size(), whole) << size;
    ASSERT_TRUE(std::equal(torn.rows.begin(), torn.rows.end(), rows.begin()));
    ASSERT_EQ(torn.bad.size(), 1u) << size;
    ASSERT_EQ(torn.bad[0].code, ErrorCode::kTruncated);
  }
}

TEST(Journal, ADamagedFrameIsLeftOutAndTheOnesBehindItAreRead) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(48, 5), &rows);
  const std::vector<std::size_t> places = frames_of(bytes);
  std::vector<std::string> others(rows.begin(), rows.begin() + 16);
  others.insert(others.end(), rows.begin() + 32, rows.end());
  for (std::size_t at = places[1]; at < places[2]; at += 37) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const Decoded decoded = decode_all(context, damaged);
    ASSERT_EQ(decoded.rows, others) << at;
    ASSERT_THAT(reasons(decoded), ::testing::Contains(HasSubstr("Corrupt: "))) << at;
  }
  // A frame cut out whole: nothing is damaged, and still it is missed.
  const Decoded decoded = decode_all(context, bytes.substr(0, places[1]) + bytes.substr(places[2]));
  EXPECT_EQ(decoded.rows, others);
  EXPECT_THAT(reasons(decoded), ElementsAre(HasSubstr("SequenceGap: 32 rows came before the frame, 16 were seen")));
}

TEST(Journal, JournalsBehindOneAnotherAreOneInput) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> first, second;
  const std::string bytes =
      journal_of(context, csv_rows(20, 6), &first) + journal_of(context, csv_rows(20, 7), &second);
  first.insert(first.end(), second.begin(), second.end());
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_EQ(decoded.rows, first);
  EXPECT_THAT(reasons(decoded), IsEmpty());
}

TEST(Journal, SmallBuffersMakeSmallFramesAndARowThatFitsNoneIsRefused) {
  const FormatContext context = journal(all_types());
  std::vector<std::string> rows;
  const std::string bytes = journal_of(context, csv_rows(100, 8), &rows, 64, 6000, false);
  EXPECT_EQ(decode_all(context, bytes).rows, rows);
  EXPECT_THAT(journal_of(context, csv_rows(1, 8), nullptr, 16, 1024, false), HasSubstr("RecordTooLarge"));
}

detail::ReadAt reader_of(const std::string& bytes) {
  return [&bytes](std::uint64_t place, std::span<char> into) -> Result<void> {
    WEIR_CHECK(place + into.size() <= bytes.size());
    std::memcpy(into.data(), bytes.data() + place, into.size());
    return {};
  };
}

TEST(JournalIndex, FindsEveryFrameFromTheEndAndByGoingFromFrameToFrame) {
  const Schema schema{{{"t", Type::bigint()}}};
  std::string csv;
  for (int i = 0; i < 2000; ++i) csv += std::to_string(i * 10) + "\n";
  const std::string bytes = journal_of(journal(schema, {{"journal.time-column", "t"}}), csv, nullptr, 2);
  const auto index = detail::read_journal_index(reader_of(bytes), bytes.size());
  ASSERT_TRUE(index.has_value()) << index.error().to_string();
  EXPECT_TRUE(index->closed);
  ASSERT_EQ(index->frames.size(), 1000u);  // four index frames
  EXPECT_EQ(index->frames[700].event_time_min, 14000);
  EXPECT_EQ(index->frames[700].event_time_max, 14010);
  EXPECT_EQ(detail::first_frame_from(*index, 14010), 700u);
  EXPECT_EQ(detail::first_frame_from(*index, 14011), 701u);
  EXPECT_EQ(detail::first_frame_from(*index, 19991), 1000u);
  // A frame found is a frame that reads.
  const std::size_t header = detail::journal_header_bytes({bytes.data(), 64});
  const std::string part = bytes.substr(0, header) + bytes.substr(index->frames[700].place, index->frames[700].bytes);
  EXPECT_THAT(decode_all(journal(schema), part).rows, ElementsAre("14000", "14010"));

  const std::string torn = bytes.substr(0, index->frames[900].place + 100);
  const auto walked = detail::read_journal_index(reader_of(torn), torn.size());
  ASSERT_TRUE(walked.has_value());
  EXPECT_FALSE(walked->closed);
  EXPECT_EQ(walked->frames.size(), 900u);
  EXPECT_EQ(walked->whole_bytes, index->frames[900].place);
  for (std::size_t i = 0; i < 900; ++i) ASSERT_EQ(walked->frames[i].place, index->frames[i].place);
}

TEST(JournalIndex, ADamagedIndexIsRefusedNotFollowed) {
  const Schema schema{{{"t", Type::bigint()}}};
  const std::string bytes = journal_of(journal(schema), "1\n2\n3\n", nullptr);
  std::mt19937 random(9);
  for (int round = 0; round < 500; ++round) {
    std::string damaged = bytes;
    for (auto times = 1 + random() % 3; times != 0; --times)
      damaged[random() % damaged.size()] ^= char(1 << random() % 8);
    damaged.resize(damaged.size() - (random() % 3 == 0 ? random() % damaged.size() : 0));
    const auto index = detail::read_journal_index(reader_of(damaged), damaged.size());
    EXPECT_TRUE(!index.has_value() || index->frames.size() <= 1u);
  }
}

}  // namespace
}  // namespace weir::testing
