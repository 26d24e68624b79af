// The aggregation of Nexmark's query 5 as LightSaber has it: rows of 128 bytes, 1,000 a second, count by auction,
// sliding 60 s by 1 s. Auctions are numbered on, 3 in 50 rows, and start again with each bundle of 8,192 rows.
//
// Expected. One of a row's two cache lines is read (time and auction stand side by side). 490 auctions a window and one
// window every 1,000 rows: half a result a row.
#include <cstring>

#include "workloads/lightsaber/query.h"

namespace weir::bench {
namespace {

struct Row {
  std::int64_t time, id, item, description, initial_bid, reserve, expires, seller, category, padding[7];
};
static_assert(sizeof(Row) == 128);

constexpr std::size_t kBundle = (std::size_t{1} << 20) / sizeof(Row), kRowsPerUnit = 1000;
constexpr std::int64_t kEpoch = 50, kPersons = 1, kAuctions = 3, kFirstAuction = 1000;

/// The last auction that had begun when event `event` came. Source: the Nexmark generator's proportions (1 person, 3
/// auctions, 46 bids in 50 events).
std::int64_t auction_at(std::int64_t event) {
  const std::int64_t epoch = event / kEpoch, offset = event % kEpoch;
  if (offset < kPersons) return (epoch - 1) * kAuctions + kAuctions - 1;
  return epoch * kAuctions + std::min(offset - kPersons, kAuctions - 1);
}

}  // namespace

std::vector<Query> nexmark_queries(const Parameters& parameters) {
  std::vector<std::byte> sample(kBundle * sizeof(Row));
  Numbers numbers(43);
  for (std::size_t i = 0; i < kBundle; ++i) {
    Row row{};
    row.time = static_cast<std::int64_t>(i / kRowsPerUnit) + 1;
    row.id = auction_at(static_cast<std::int64_t>(i)) + kFirstAuction;
    row.item = static_cast<std::int64_t>(numbers.below(1'000'000));
    row.category = static_cast<std::int64_t>(numbers.below(5)) + 10;
    std::memcpy(sample.data() + i * sizeof(Row), &row, sizeof row);
  }
  Query query;
  query.name = "q5";
  query.peer = 38;
  query.factor = 2;
  query.columns =
      "ts TIMESTAMP(3) NOT NULL, id BIGINT NOT NULL, item_name BIGINT NOT NULL, description BIGINT NOT NULL, "
      "initial_bid BIGINT NOT NULL, reserve BIGINT NOT NULL";
  query.result_columns = "window_end TIMESTAMP(3), id BIGINT, n BIGINT";
  query.select =
      "SELECT window_end, id, COUNT(*) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '1' "
      "MINUTE)) GROUP BY window_start, window_end, id";
  query.read_columns = {"ts", "id"};
  query.layout = {
      sizeof(Row),
      {{"ts", offsetof(Row, time), FieldForm::kInt64, query.unit_ns}, {"id", offsetof(Row, id), FieldForm::kInt64}}};
  query.size = 60;
  query.reads_under_half = true;
  query.rows = run_rows(parameters, 100'000'000);
  query.replay = Replay(sample, sizeof(Row), replay_bytes(parameters));
  KeyNumbers auctions;
  for (std::size_t i = 0; i < query.replay.rows(); ++i) {
    Row row;
    std::memcpy(&row, query.replay.row(i), sizeof row);
    query.keys.push_back(auctions.number({row.id, 0, 0, 0}));
    query.values.push_back({});
  }
  query.key_count = auctions.count();
  query.lower = [auctions](std::uint32_t key, const Cell& cell, ResultRow& row) {
    row.add(auctions.key(key)[0]);
    row.add(cell.count);
    return true;
  };
  std::vector<Query> queries;
  queries.push_back(std::move(query));
  return queries;
}

}  // namespace weir::bench
