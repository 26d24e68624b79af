// Streams of batches: every type there and back, whatever the cuts, the batches and the heaps; and what hostile bytes
// do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fuzz/format_rows.h"
#include "weir/core/random.h"

namespace weir::testing {
namespace {

using ::testing::HasSubstr;

std::string csv_rows(int count, std::uint64_t seed) {
  Random random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (random.below(5) == 0) {
      text += ",,,,,,,,,,,,,text without a value beside it,\n";
      continue;
    }
    text += std::to_string(static_cast<int>(random.below(256)) - 128) + ",-300," + std::to_string(i) +
            ",5000000000,1.5,-2.25,3.14,12345678901234567890.5,true,2020-12-30,12:13:14.123,2020-12-30 "
            "12:13:14.123456,2020-12-30 12:13:14Z," +
            std::string(random.below(40), 'x') + "\xC3\xA4,aGVsbG8sIHdvcmxkOiB0aGlzIGlzIGxvbmc=\n";
  }
  return text;
}

/// The stream of the rows, as a sink writes it.
std::string stream_of(const Schema& schema, std::string_view csv, std::size_t buffer, std::uint32_t batch_rows,
                      std::vector<std::string>* rows) {
  auto decoder = make_decoder(context_of("csv", schema));
  auto encoder = make_encoder(context_of("batches", schema));
  EXPECT_TRUE(encoder.has_value()) << encoder.error().to_string();
  std::string stream((*encoder)->preamble());
  DecodePlan plan;
  plan.capacity = batch_rows;
  *rows = decode_with(**decoder, schema, csv, plan, [&](const Batch& batch) {
            stream += encode_all(**encoder, batch, buffer);
          }).rows;
  return stream;
}

TEST(Batches, EveryTypeComesBackHoweverTheStreamIsCutAndWhateverTheBatches) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> rows;
    const std::string stream =
        stream_of(all_types(), csv_rows(200, static_cast<std::uint64_t>(round)), 1000 + random.below(70000),
                  static_cast<std::uint32_t>(1 + random.below(200)), &rows);
    DecodePlan plan;
    plan.capacity = static_cast<std::uint32_t>(1 + random.below(300));
    plan.heap = 128 + random.below(20000);
    for (std::size_t at = 0; at < stream.size();)
      plan.cuts.push_back(at += 1 + random.below(round % 2 == 0 ? 50 : 9000));
    while (!plan.cuts.empty() && plan.cuts.back() >= stream.size()) plan.cuts.pop_back();
    const Decoded decoded = decode_all(context_of("batches", all_types()), stream, plan);
    ASSERT_EQ(decoded.rows, rows);
    ASSERT_TRUE(decoded.bad.empty()) << decoded.bad[0].reason;
    ASSERT_EQ(decoded.records, rows.size());
  }
}

TEST(Batches, OnlyTheColumnsThatAreWantedAreRead) {
  std::vector<std::string> rows;
  const std::string stream = stream_of(all_types(), csv_rows(50, 1), 65536, 64, &rows);
  FormatContext context = context_of("batches", all_types());
  context.columns = {{2, 0}};
  auto decoder = make_decoder(context);
  const Schema narrow{{{"c", Type::integer()}}};
  const Decoded decoded = decode_with(**decoder, narrow, stream, {}, [](const Batch&) {});
  EXPECT_EQ(decoded.rows.size(), rows.size());
  EXPECT_TRUE(decoded.bad.empty());
}

TEST(Batches, ATruncatedStreamGivesItsWholeBatchesAndSaysThatItWasCut) {
  std::vector<std::string> rows;
  const std::string stream = stream_of(all_types(), csv_rows(20, 1), 65536, 10, &rows);
  for (std::size_t size = 0; size < stream.size(); size += 7) {
    const Decoded decoded = decode_all(context_of("batches", all_types()), std::string_view(stream).substr(0, size));
    ASSERT_LE(decoded.rows.size(), rows.size());
    ASSERT_TRUE(std::equal(decoded.rows.begin(), decoded.rows.end(), rows.begin()));
    ASSERT_LE(decoded.bad.size(), 1u);
  }
}

TEST(Batches, DamagedBytesNeverGiveMoreRowsThanThereWereAndNeverCrash) {
  std::vector<std::string> rows;
  const std::string stream = stream_of(all_types(), csv_rows(40, 1), 65536, 20, &rows);
  Random random(5);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = stream;
    for (std::uint64_t i = 0; i <= random.below(3); ++i)
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    DecodePlan plan;
    plan.cuts = {damaged.size() / 3};
    const Decoded decoded = decode_all(context_of("batches", all_types()), damaged, plan);
    ASSERT_LE(decoded.rows.size(), rows.size());
    refused += decoded.bad.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

TEST(Batches, OtherColumnsAreNamed) {
  const auto reason = [](const Schema& theirs, const Schema& ours) {
    auto encoder = make_encoder(context_of("batches", theirs));
    const Decoded decoded = decode_all(context_of("batches", ours), (*encoder)->preamble());
    return decoded.bad.empty() ? std::string("none") : decoded.bad[0].reason;
  };
  const Schema pair{{{"a", Type::integer()}, {"s", Type::string()}}};
  const Schema renamed{{{"a", Type::integer()}, {"t", Type::string()}}};
  const Schema retyped{{{"a", Type::bigint()}, {"s", Type::string()}}};
  const Schema longer{{{"a", Type::integer()}, {"s", Type::string()}, {"z", Type::boolean()}}};
  EXPECT_EQ(reason(pair, pair), "none");
  EXPECT_THAT(reason(renamed, pair), HasSubstr("column 2 is 't' STRING at the peer and 's' STRING here"));
  EXPECT_THAT(reason(retyped, pair), HasSubstr("column 1 is 'a' BIGINT at the peer and 'a' INT here"));
  EXPECT_THAT(reason(longer, pair), HasSubstr("column 3 is 'z' BOOLEAN at the peer and missing here"));
  EXPECT_THAT(reason(pair, longer), HasSubstr("column 3 is missing at the peer and 'z' BOOLEAN here"));
}

TEST(Batches, ALengthThatIsAnnouncedIsJudgedBeforeAnythingIsTakenForIt) {
  const Schema pair{{{"a", Type::integer()}, {"s", Type::string()}}};
  auto encoder = make_encoder(context_of("batches", pair));
  const std::uint32_t bytes = 0xFFFFFFF0, rows = 1, check = bytes ^ rows ^ 0x57424154;
  std::string stream((*encoder)->preamble());
  for (const std::uint32_t word : {bytes, rows, 0u, check}) stream.append(reinterpret_cast<const char*>(&word), 4);
  const Decoded decoded = decode_all(context_of("batches", pair), stream);
  ASSERT_EQ(decoded.bad.size(), 1u);
  EXPECT_EQ(decoded.bad[0].code, ErrorCode::kRecordTooLarge);
  EXPECT_TRUE(decoded.stopped);
}

}  // namespace
}  // namespace weir::testing
