// Market-data formats against bytes made here from the specifications: ITCH in its framings, IEX DEEP, captures,
// sequence gaps, hostile lengths, cuts anywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "fuzz/format_rows.h"
#include "io/feed_bytes.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Options = std::map<std::string, std::string>;

Type time9() {
  Type type = Type::of(TypeId::kTime);
  type.precision = 9;
  return type;
}

const Schema kOrders{{{"message_type", Type::string()},
                      {"timestamp", time9()},
                      {"order_ref", Type::bigint()},
                      {"side", Type::string()},
                      {"shares", Type::bigint()},
                      {"stock", Type::string()},
                      {"price", Type::decimal(18, 4)},
                      {"match_number", Type::bigint()}}};

FormatContext itch(Options options = {}, Schema schema = kOrders) {
  return context_of("itch", std::move(schema), std::move(options));
}

std::vector<std::string> reasons(const Decoded& decoded) {
  std::vector<std::string> text;
  for (const BadCopy& bad : decoded.bad) {
    text.push_back(std::to_string(bad.byte) + " " + std::string(error_code_name(bad.code)) + ": " + bad.reason);
  }
  return text;
}

/// Cut at random places, with small batches and heaps: the same rows.
void expect_same_however_cut(const FormatContext& context, const std::string& bytes, int rounds = 60) {
  const Decoded whole = decode_all(context, bytes);
  EXPECT_EQ(whole.rows.size() + whole.bad.size(), whole.records);
  std::mt19937 random(7);
  for (int round = 0; round < rounds; ++round) {
    DecodePlan plan;
    plan.capacity = static_cast<std::uint32_t>(1 + random() % 9);
    const std::size_t step = round == 0 ? 1 : 1 + random() % 60;
    for (std::size_t at = 1 + random() % step; at < bytes.size(); at += 1 + random() % step) plan.cuts.push_back(at);
    const Decoded cut = decode_all(context, bytes, plan);
    ASSERT_EQ(cut.rows, whole.rows) << "round " << round;
    ASSERT_EQ(reasons(cut), reasons(whole)) << "round " << round;
    ASSERT_EQ(cut.records, whole.records);
    ASSERT_EQ(cut.bad, whole.bad);
  }
}

const std::string kAdd = itch_add(34'200'000'000'001, 42, 'B', 100, "AAPL", 1'500'100);
const std::string kExecuted = itch_executed(34'200'000'000'002, 42, 60, 9001);
const std::string kCross = itch_cross(34'200'000'000'003, 5'000'000'000, "ZVZZT", 99'9999, 9002, 'O');
constexpr std::string_view kAddRow = "'A'|34200000000001|42|'B'|100|'AAPL'|1500100|NULL";
constexpr std::string_view kExecutedRow = "'E'|34200000000002|42|NULL|60|NULL|NULL|9001";
constexpr std::string_view kCrossRow = "'Q'|34200000000003|NULL|NULL|5000000000|'ZVZZT'|999999|9002";

TEST(Itch, FieldsOfAMessageFillTheColumnsOfTheirNamesAndTheOthersAreNull) {
  const Decoded decoded = decode_all(itch(), filed(kAdd) + filed(kExecuted) + filed(kCross));
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow, kCrossRow));
  EXPECT_THAT(decoded.bad, IsEmpty());
}

TEST(Itch, AFileEndsItsSessionsWithALengthOfZero) {
  const Decoded decoded = decode_all(itch(), filed(kAdd) + std::string(2, '\0') + filed(kExecuted));
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow));
  EXPECT_EQ(decoded.records, 2u);
}

TEST(Itch, LengthsOfZeroStandForThatOfTheTypeWhereTheOptionSaysSo) {
  const std::string bytes = std::string(2, '\0') + kAdd + std::string(2, '\0') + kCross + filed(kExecuted);
  const FormatContext context = itch({{"itch.lengths-by-type", "true"}});
  EXPECT_THAT(decode_all(context, bytes).rows, ElementsAre(kAddRow, kCrossRow, kExecutedRow));
  expect_same_however_cut(context, bytes + std::string("\0\0z", 3) + bytes);
}

TEST(Itch, OnlyTheTypesAskedForMakeRowsAndTheOthersAreNoRecords) {
  const Decoded decoded =
      decode_all(itch({{"itch.messages", "E, Q"}}), filed(kAdd) + filed(kExecuted) + filed("zunknown") + filed(kCross));
  EXPECT_THAT(decoded.rows, ElementsAre(kExecutedRow, kCrossRow));
  EXPECT_EQ(decoded.records, 2u);
}

TEST(Itch, TimesNeedTheDayUnlessTheColumnIsATimeOfDay) {
  const Schema wall{{{"timestamp", Type::timestamp(9)}}};
  auto refused = make_decoder(itch({}, wall));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kSqlInvalidOption);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("itch.date"));
  EXPECT_THAT(decode_all(itch({{"itch.date", "1970-01-02"}}, wall), filed(kAdd)).rows,
              ElementsAre(std::to_string(86'400'000'000'000 + 34'200'000'000'001)));
  FormatContext eastern = itch({{"itch.date", "1970-01-02"}}, {{{"timestamp", Type::timestamp_ltz(3)}}});
  eastern.time_zone = "-05:00";
  EXPECT_THAT(decode_all(eastern, filed(kAdd)).rows,
              ElementsAre(std::to_string(86'400'000'000'000 + 34'200'000'000'000 + 5 * 3'600'000'000'000)));
  EXPECT_THAT(decode_all(itch({}, {{{"timestamp", Type::bigint()}}}), filed(kAdd)).rows, ElementsAre("34200000000001"));
}

TEST(Itch, ATimeBehindMidnightIsABadRecord) {
  const std::string late = itch_system(86'400'000'000'000, 'O');
  const Decoded decoded = decode_all(itch(), filed(kAdd) + filed(late) + filed(kExecuted));
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow));
  ASSERT_EQ(decoded.bad.size(), 1u);
  EXPECT_EQ(decoded.bad[0].field, "timestamp");
  EXPECT_EQ(decoded.bad[0].byte, 38u);
  EXPECT_EQ(decoded.bad[0].code, ErrorCode::kValueOutOfRange);
}

TEST(Itch, NumbersThatDoNotFitTheirColumnAreBadRecordsNeverOtherNumbers) {
  const std::string huge = itch_add(1, ~std::uint64_t{0}, 'S', 4'000'000'000, "MSFT", 4'000'000'000);
  EXPECT_THAT(reasons(decode_all(itch(), filed(huge))), ElementsAre(HasSubstr("does not fit BIGINT")));
  const Schema wide{{{"order_ref", Type::decimal(20, 0)}, {"shares", Type::bigint()}, {"price", Type::float64()}}};
  EXPECT_THAT(decode_all(itch({}, wide), filed(huge)).rows, ElementsAre("18446744073709551615|4000000000|400000.0"));
  const Schema narrow{{{"shares", Type::integer()}}};
  EXPECT_THAT(reasons(decode_all(itch({}, narrow), filed(huge))), ElementsAre(HasSubstr("does not fit INT")));
  const Schema scaled{{{"price", Type::decimal(12, 6)}}};
  EXPECT_THAT(decode_all(itch({}, scaled), filed(kAdd)).rows, ElementsAre("150010000"));
}

TEST(Itch, UnknownTypesWrongSizesAndEmptyMessagesAreNamed) {
  const std::string bytes = filed("zap") + filed(kAdd + "x") + filed(kAdd.substr(0, 20)) + filed(kAdd);
  const Decoded decoded = decode_all(itch(), bytes);
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow));
  EXPECT_THAT(reasons(decoded),
              ElementsAre("0 MalformedRecord: there is no message type 'z' (byte 122)",
                          "5 MalformedRecord: a message of type A (add order) has 36 bytes, not 37",
                          "44 MalformedRecord: a message of type A (add order) has 36 bytes, not 20"));
}

TEST(Itch, AnInputThatEndsInAMessageIsToldWithItsPlace) {
  const std::string bytes = filed(kAdd) + filed(kExecuted);
  const Decoded decoded = decode_all(itch(), bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow));
  EXPECT_THAT(reasons(decoded),
              ElementsAre("38 Truncated: the input ends inside a message, 32 bytes behind its first"));
}

TEST(Itch, ColumnsAndTypesThatTheFormatDoesNotHaveAreRefusedWithWhatItHas) {
  auto refused = make_decoder(itch({}, {{{"sharez", Type::bigint()}}}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kSqlUnknownName);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("did you mean 'shares'?"));
  refused = make_decoder(itch({}, {{{"price", Type::decimal(10, 2)}}}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("DECIMAL(18, 4)"));
  refused = make_decoder(itch({{"itch.messages", "A,z"}}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("B (broken trade)"));
  EXPECT_FALSE(make_encoder(itch()).has_value());
}

TEST(Itch, EveryMessageTypeIsAsLongAsTheSpecificationSays) {
  // Section 1 of the specification, by type.
  const std::map<char, int> sizes{{'S', 12}, {'R', 39}, {'H', 25}, {'Y', 20}, {'L', 26}, {'V', 35},
                                  {'W', 12}, {'K', 28}, {'J', 35}, {'h', 21}, {'A', 36}, {'F', 40},
                                  {'E', 31}, {'C', 36}, {'X', 23}, {'D', 19}, {'U', 35}, {'P', 44},
                                  {'Q', 40}, {'B', 19}, {'I', 50}, {'N', 20}, {'O', 48}};
  std::string bytes;
  for (const auto& [type, size] : sizes)
    bytes += filed(itch_head(type, 5) + std::string(static_cast<std::size_t>(size) - 11, ' '));
  const Decoded decoded = decode_all(itch({}, {{{"message_type", Type::string()}}}), bytes);
  EXPECT_EQ(decoded.rows.size(), sizes.size());
  EXPECT_THAT(reasons(decoded), IsEmpty());
}

TEST(MoldUdp64, PacketsBackToBackGiveTheirMessagesWithSessionAndSequence) {
  const Schema schema{{{"message_type", Type::string()}, {"session", Type::string()}, {"sequence", Type::bigint()}}};
  const FormatContext context = itch({{"itch.framing", "moldudp64"}}, schema);
  const std::string bytes =
      mold("S1", 10, {kAdd, kExecuted}) + mold("S1", 12, {}) + mold("S1", 12, {kCross}) + mold("S1", 13, {}, 0xffff);
  EXPECT_THAT(decode_all(context, bytes).rows, ElementsAre("'A'|'S1'|10", "'E'|'S1'|11", "'Q'|'S1'|12"));
  expect_same_however_cut(context, bytes);
  EXPECT_THAT(reasons(decode_all(context, mold("S1", 1, {kAdd}, 3))),
              ElementsAre("0 Truncated: the input ends 2 messages before the end of a packet"));
}

TEST(MoldUdp64, ADatagramThatWasCutEndsAtItsEndAndTheSequenceGoesOn) {
  const FormatContext context = itch({{"itch.framing", "moldudp64"}});
  auto decoder = make_decoder(context);
  OwnedBatch batch(kOrders, 64, 4096);
  std::vector<std::string> told;
  const BadRecordHandler handler = [&](const BadRecord& bad) {
    told.emplace_back(bad.reason);
    return true;
  };
  const std::string first = mold("S", 1, {kAdd, kExecuted, kCross});
  const std::string behind_message = first.substr(0, 20 + 38), in_message = first.substr(0, 20 + 38 + 9);
  for (const std::string& datagram : {behind_message, in_message, mold("S", 4, {kCross})}) {
    const std::string padded = datagram + std::string(kReadPadding, '\x5a');
    (*decoder)->decode({padded.data(), datagram.size()}, *batch, handler);
    (*decoder)->finish(*batch, handler);
  }
  EXPECT_EQ(batch->row_count(), 2u);  // the second datagram's message had come already
  EXPECT_THAT(told, ElementsAre(HasSubstr("ends 2 messages before"), HasSubstr("ends inside a message")));
}

TEST(MoldUdp64, GapsAreBadRecordsThatSayWhatIsMissing) {
  const FormatContext context = itch({{"itch.framing", "moldudp64"}});
  const std::string bytes = mold("S1", 10, {kAdd}) + mold("S1", 15, {kExecuted}) + mold("S1", 17, {});
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow));
  EXPECT_THAT(reasons(decoded), ElementsAre("58 SequenceGap: 4 messages are missing, from number 11 to 14",
                                            "111 SequenceGap: 1 messages are missing, from number 16 to 16"));
  expect_same_however_cut(context, bytes);
  EXPECT_THAT(decode_all(itch({{"itch.framing", "moldudp64"}, {"itch.sequence", "ignore"}}), bytes).bad, IsEmpty());
}

TEST(MoldUdp64, WhatCameAlreadyIsPassedOverSoTwoLinesOfAFeedAreOne) {
  const FormatContext context = itch({{"itch.framing", "moldudp64"}});
  const std::string a = mold("S1", 1, {kAdd, kExecuted}), b = mold("S1", 2, {kExecuted, kCross});
  const Decoded decoded = decode_all(context, a + a + b + a + mold("S2", 1, {kAdd}));
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow, kCrossRow, kAddRow));
  EXPECT_THAT(decoded.bad, IsEmpty());
}

TEST(Pcap, EveryMagicAndByteOrderGivesTheSamePackets) {
  const Schema schema{{{"capture_time", Type::timestamp_ltz(9)},
                       {"destination_port", Type::integer()},
                       {"payload", Type::of(TypeId::kBytes)}}};
  for (const bool big_endian : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      const Capture capture{big_endian, nanoseconds};
      const std::string bytes = capture.header() + capture.packet(frame("hello"));
      EXPECT_THAT(decode_all(context_of("pcap", schema), bytes).rows, ElementsAre("1700000000123456000|26400|'hello'"));
    }
  }
}

TEST(Pcap, RowsAreThePacketsWhateverTheyCarry) {
  const Schema schema{{{"ether_type", Type::integer()},
                       {"vlan", Type::integer()},
                       {"ip_protocol", Type::integer()},
                       {"source_address", Type::string()},
                       {"destination_address", Type::string()},
                       {"source_port", Type::integer()},
                       {"payload", Type::of(TypeId::kBytes)}}};
  const Capture capture;
  std::string bytes = capture.header();
  for (Net net :
       {Net::kIp4, Net::kIp6, Net::kIp6Extended, Net::kVlan, Net::kTwoVlans, Net::kTcp, Net::kFragment, Net::kArp}) {
    bytes += capture.packet(frame("x", net));
  }
  const FormatContext context = context_of("pcap", schema);
  EXPECT_THAT(
      decode_all(context, bytes).rows,
      ElementsAre("2048|NULL|17|'10.0.0.1'|'233.54.12.111'|40000|'x'",
                  "34525|NULL|17|'2001:db8::1'|'ff02::9'|40000|'x'", "34525|NULL|17|'2001:db8::1'|'ff02::9'|40000|'x'",
                  "2048|100|17|'10.0.0.1'|'233.54.12.111'|40000|'x'", "2048|6|17|'10.0.0.1'|'233.54.12.111'|40000|'x'",
                  "2048|NULL|6|'10.0.0.1'|'233.54.12.111'|40000|NULL",
                  "2048|NULL|17|'10.0.0.1'|'233.54.12.111'|NULL|NULL", "2054|NULL|NULL|NULL|NULL|NULL|NULL"));
  expect_same_however_cut(context, bytes);
  EXPECT_EQ(decode_all(context_of("pcap", schema, {{"pcap.only-udp", "true"}}), bytes).rows.size(), 5u);
}

TEST(Pcap, WhatIsNoCaptureIsToldAndNothingOfItIsRead) {
  const Schema schema{{{"captured_bytes", Type::integer()}}};
  EXPECT_THAT(reasons(decode_all(context_of("pcap", schema), std::string(200, 'x'))),
              ElementsAre(HasSubstr("0 Corrupt: the input does not begin as a pcap capture does")));
  EXPECT_THAT(reasons(decode_all(context_of("pcap", schema), "\x0a\x0d\x0d\x0a" + std::string(200, 'x'))),
              ElementsAre(HasSubstr("pcapng")));
  EXPECT_THAT(reasons(decode_all(context_of("pcap", schema), "\xd4\xc3")), ElementsAre(HasSubstr("0 Truncated")));
  EXPECT_THAT(reasons(decode_all(itch({{"itch.framing", "pcap"}}), Capture{false, false, 105}.header() + "abcd")),
              ElementsAre(HasSubstr("link type is 105")));
}

TEST(Pcap, ALengthBombIsRefusedBeforeAByteIsKeptForIt) {
  const Capture capture;
  std::string bomb = capture.packet(frame("x"));
  bomb.replace(8, 4, little(0xfffffff0, 4));
  const std::string bytes = capture.header() + capture.packet(frame("x")) + bomb + capture.packet(frame("y"));
  const FormatContext context = context_of("pcap", {{{"payload", Type::of(TypeId::kBytes)}}});
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre("'x'"));
  EXPECT_THAT(reasons(decoded), ElementsAre(HasSubstr("83 Corrupt: the packet's header claims more than 262144")));
  expect_same_however_cut(context, bytes);
}

TEST(Pcap, PacketsOverTheRecordLimitAreSteppedOver) {
  const Capture capture;
  FormatContext context = context_of("pcap", {{{"captured_bytes", Type::integer()}}});
  context.record_bytes_max = 200;
  const std::string bytes =
      capture.header() + capture.packet(frame(std::string(300, 'x'))) + capture.packet(frame("y"));
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre("43"));
  EXPECT_THAT(reasons(decoded), ElementsAre("24 RecordTooLarge: the packet has 358 bytes; the limit is 200"));
  expect_same_however_cut(context, bytes);
}

TEST(Pcap, ItchOverMoldUdp64ComesOutOfACaptureAndOtherTrafficDoesNot) {
  const Capture capture{true, true};
  std::string bytes = capture.header() + capture.packet(frame(mold("S", 1, {kAdd, kExecuted}), Net::kVlan));
  bytes += capture.packet(frame("tcp", Net::kTcp)) + capture.packet(frame("arp", Net::kArp));
  bytes += capture.packet(frame("other feed, not MoldUDP64", Net::kIp4, 99));
  bytes += capture.packet(frame(mold("S", 5, {kCross}), Net::kIp6));
  const FormatContext context = itch({{"itch.framing", "pcap"}, {"itch.udp-port", "26400"}});
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kExecutedRow, kCrossRow));
  EXPECT_THAT(reasons(decoded), ElementsAre(HasSubstr("SequenceGap: 2 messages are missing, from number 3 to 4")));
  expect_same_however_cut(context, bytes);
}

TEST(Pcap, APacketThatWasCutGivesItsWholeMessagesAndSaysWhatIsMissing) {
  const Capture capture;
  const std::string whole = frame(mold("S", 1, {kAdd, kExecuted, kCross}));
  const std::string bytes = capture.header() + capture.packet(whole, 0, 42 + 20 + 38 + 10) +
                            capture.packet(whole, 0, 20) + capture.packet(frame("", Net::kFragment)) +
                            capture.packet(frame(mold("S", 4, {kAdd})));
  const FormatContext context = itch({{"itch.framing", "pcap"}});
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre(kAddRow, kAddRow));
  EXPECT_THAT(reasons(decoded),
              ElementsAre(HasSubstr("140 Truncated: 68 of the datagram's 133 bytes were captured: messages 2 to 3"),
                          HasSubstr("Truncated: the captured bytes end inside the packet's headers"),
                          HasSubstr("MalformedRecord: the packet is a fragment")));
  expect_same_however_cut(context, bytes);
}

const Schema kDeep{{{"message_type", Type::string()},
                    {"timestamp", Type::timestamp_ltz(9)},
                    {"symbol", Type::string()},
                    {"size", Type::bigint()},
                    {"price", Type::decimal(18, 4)},
                    {"trade_id", Type::bigint()},
                    {"sequence", Type::bigint()},
                    {"send_time", Type::bigint()}}};

TEST(IexDeep, SegmentsGiveTheirMessagesAndPricesMayBeNegative) {
  const std::string t1 = deep_trade(1000, "TSLA", 10, 2'506'400, 77), t2 = deep_trade(2000, "X", 1, -5, 78);
  const FormatContext context = context_of("iex-deep", kDeep, {{"iex-deep.framing", "iex-tp"}});
  const std::string bytes = iex_tp(1, {t1, t2}, 3000) + iex_tp(3, {}) + iex_tp(4, {t1 + "grown"});
  const Decoded decoded = decode_all(context, bytes);
  EXPECT_THAT(decoded.rows, ElementsAre("'T'|1000|'TSLA'|10|2506400|77|1|3000", "'T'|2000|'X'|1|-5|78|2|3000",
                                        "'T'|1000|'TSLA'|10|2506400|77|4|1000000"));
  EXPECT_THAT(reasons(decoded), ElementsAre(HasSubstr("SequenceGap: 1 messages are missing, from number 3 to 3")));
  expect_same_however_cut(context, bytes);
}

TEST(IexDeep, ADatagramThatIsNoSegmentIsABadRecordAndAStreamIsLostBehindOne) {
  const Capture capture;
  const std::string good = iex_tp(1, {deep_trade(1000, "TSLA", 10, 2'506'400, 77)});
  const std::string bytes =
      capture.header() + capture.packet(frame(std::string(60, '\x01'))) + capture.packet(frame(good));
  EXPECT_THAT(reasons(decode_all(context_of("iex-deep", kDeep), bytes)), ElementsAre(HasSubstr("no IEX-TP segment")));
  const FormatContext stream = context_of("iex-deep", kDeep, {{"iex-deep.framing", "iex-tp"}});
  const Decoded lost = decode_all(stream, good + std::string(60, '\x01') + good);
  EXPECT_EQ(lost.rows.size(), 1u);
  EXPECT_THAT(reasons(lost), ElementsAre(HasSubstr("nothing behind it is read")));
}

/// Streams with damage in them: bytes changed, cut out, put in.
TEST(Feeds, DamagedBytesGiveTheSameAnswerHoweverTheyAreCut) {
  const Capture capture;
  std::string file, stream, deep = capture.header(), packets = capture.header();
  for (std::uint64_t i = 0; i < 40; ++i) {
    const std::string add = itch_add(i, i, 'B', 1, "A", 1), executed = itch_executed(i, i, 1, i);
    file += filed(add) + filed(executed);
    stream += mold("S", 1 + 2 * i, {add, executed});
    packets += capture.packet(frame(mold("S", 1 + 2 * i, {add, executed}), i % 2 == 0 ? Net::kIp4 : Net::kIp6));
    deep += capture.packet(frame(iex_tp(1 + 2 * i, {deep_trade(i, "A", 1, 1, i), deep_trade(i, "B", 2, 2, i)})));
  }
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const auto damage = [&](std::string bytes) {
      for (unsigned times = 1 + random() % 4; times != 0; --times) {
        const std::size_t at = random() % bytes.size();
        if (random() % 3 == 0) {
          bytes.erase(at, 1 + random() % 5);
        } else {
          bytes[at] = static_cast<char>(random());
        }
      }
      return bytes;
    };
    expect_same_however_cut(itch(), damage(file), 3);
    expect_same_however_cut(itch({{"itch.framing", "moldudp64"}}), damage(stream), 3);
    expect_same_however_cut(itch({{"itch.framing", "pcap"}}), damage(packets), 3);
    expect_same_however_cut(context_of("iex-deep", kDeep), damage(deep), 3);
  }
}

TEST(Feeds, WhatWasMissedAndPassedOverIsCounted) {
  const Capture capture;
  const std::string packet = capture.packet(frame(mold("S", 1, {kAdd, kExecuted})));
  const std::string bytes = capture.header() + packet + packet + capture.packet(frame("t", Net::kTcp)) +
                            capture.packet(frame("a", Net::kArp)) + capture.packet(frame(mold("S", 8, {kCross})));
  const FormatContext context = itch({{"itch.framing", "pcap"}});
  auto decoder = make_decoder(context);
  decode_with(**decoder, kOrders, bytes, {}, [](const Batch&) {});
  const FeedCounts counts = (*decoder)->feed_counts();
  EXPECT_EQ(counts.gaps, 1u);
  EXPECT_EQ(counts.missing, 5u);
  EXPECT_EQ(counts.repeated, 2u);
  EXPECT_EQ(counts.other_packets, 2u);
}

TEST(Feeds, AHandlerThatSaysStopIsHeardInTheMiddleOfAPacketAndNothingIsLostBehindIt) {
  const std::string bad = itch_add(86'400'000'000'000, 1, 'B', 1, "A", 1);
  const std::string bytes = mold("S", 1, {kAdd, bad, kExecuted, bad, kCross});
  const FormatContext context = itch({{"itch.framing", "pcap"}});
  const Capture capture;
  const std::string input = capture.header() + capture.packet(frame(bytes)) + std::string(kReadPadding, '\0');
  auto decoder = make_decoder(context);
  ASSERT_TRUE(decoder.has_value());
  OwnedBatch batch(kOrders, 64, 4096);
  std::size_t at = 0, stops = 0;
  const std::size_t size = input.size() - kReadPadding;
  while (at < size) {
    const DecodeResult result =
        (*decoder)->decode({input.data() + at, size - at}, *batch, [](const BadRecord&) { return false; });
    at += result.consumed;
    stops += result.stopped ? 1 : 0;
    EXPECT_EQ(result.bad, result.stopped ? 1u : 0u);
  }
  EXPECT_EQ(stops, 2u);
  EXPECT_EQ(batch->row_count(), 3u);
  EXPECT_EQ((*decoder)->records(), 5u);
}

// --- Recorded bytes
// ---------------------------------------------------------------------------------------------------

std::map<char, int> counted(const Decoded& decoded) {
  std::map<char, int> counts;
  for (const std::string& row : decoded.rows) ++counts[row[1]];
  return counts;
}

#define READ_OR_SKIP(variable, name)         \
  const auto variable = read_recorded(name); \
  if (!variable.has_value()) GTEST_SKIP() << recorded(name) << " is not there (WEIR_DATA names the folder)"

TEST(RecordedFeeds, ASessionStartHasTheMessagesThatItsProvenanceNames) {
  READ_OR_SKIP(bytes, "itch50/nasdaq_session_start.itch");
  const Decoded decoded = decode_all(itch(), *bytes);
  EXPECT_EQ(counted(decoded), (std::map<char, int>{{'S', 1}, {'R', 993}, {'H', 3}, {'Y', 3}}));
  EXPECT_THAT(reasons(decoded), IsEmpty());
}

TEST(RecordedFeeds, ASimulatedDayHasTheMessagesThatItsProvenanceNames) {
  READ_OR_SKIP(bytes, "itch50/simulated_ritch_ex20101224.TEST_ITCH_50");
  const Decoded decoded = decode_all(itch({{"itch.lengths-by-type", "true"}}), *bytes);
  EXPECT_EQ(counted(decoded), (std::map<char, int>{{'S', 6},
                                                   {'R', 3},
                                                   {'H', 3},
                                                   {'A', 4997},
                                                   {'F', 3},
                                                   {'E', 198},
                                                   {'D', 1745},
                                                   {'P', 5000},
                                                   {'U', 12},
                                                   {'X', 45}}));
  EXPECT_THAT(reasons(decoded), IsEmpty());
}

}  // namespace
}  // namespace weir::testing
