// YSB: rows of 128 bytes, a third of the events pass the filter, 1,000 ads belong to 100 campaigns, count and latest
// time by campaign, tumbling windows of 100 units of 1,000 rows.
//
// Expected. A row is two cache lines, and the query reads from both (time and ad; type), so from memory the bandwidth
// over 128 bytes is the limit, and by hand 1.5 to 2 times that from the last-level cache. The engine writes and reads
// 24 bytes a row in the second-level cache: some 1 ns.
#include <cstring>
#include <numeric>

#include "weir/pipeline/function_catalogue.h"
#include "workloads/lightsaber/query.h"

namespace weir::bench {
namespace {

struct Row {
  std::int64_t time, padding;
  std::int64_t user[2], page[2], ad[2];
  std::int64_t ad_type, event_type;
  std::int64_t address[2], more_padding[4];
};
static_assert(sizeof(Row) == 128);

constexpr std::uint32_t kAds = 1000, kCampaigns = 100, kRowsPerUnit = 1000;

/// By ad. Campaigns are numbers far apart, as in the original.
std::vector<std::int64_t> campaigns_of_ads() {
  std::vector<std::int64_t> all(kAds);
  Numbers numbers(41);
  for (std::uint32_t ad = 0; ad < kAds; ++ad)
    all[ad] = ad % 10 != 0 ? all[ad - 1] : static_cast<std::int64_t>(numbers.below(10'000) * 100 + ad / 10);
  return all;
}

/// CAMPAIGN_OF(ad).
std::shared_ptr<const FunctionCatalogue> campaign_lookup(const std::vector<std::int64_t>& campaigns) {
  std::vector<std::int64_t> ads(kAds);
  std::iota(ads.begin(), ads.end(), 0);
  auto functions = std::make_shared<FunctionCatalogue>();
  const auto done = functions->add_lookup("campaign_of", {ads.data(), campaigns.data(), kAds});
  if (!done.has_value()) wrong_answer("YSB", done.error().to_string());
  return functions;
}

}  // namespace

std::vector<Query> yahoo_queries(const Parameters& parameters) {
  const std::vector<std::int64_t> campaigns = campaigns_of_ads();
  const std::size_t count = replay_bytes(parameters) / sizeof(Row) / kRowsPerUnit * kRowsPerUnit;
  std::vector<std::byte> sample(count * sizeof(Row));
  Query query;
  for (std::size_t i = 0; i < count; ++i) {
    Row row{};
    row.time = static_cast<std::int64_t>(i / kRowsPerUnit);
    row.user[0] = row.page[0] = 7;
    row.ad[0] = static_cast<std::int64_t>(i % 100'000 % kAds);
    row.ad_type = static_cast<std::int64_t>(i % 100'000 % 5);
    row.event_type = static_cast<std::int64_t>(i % 100'000 % 3);
    row.address[0] = row.address[1] = -1;
    std::memcpy(sample.data() + i * sizeof(Row), &row, sizeof row);
    query.keys.push_back(row.event_type == 0 ? static_cast<std::uint32_t>(row.ad[0] / 10) : Query::kDropped);
    query.values.push_back({});
  }
  query.name = "YSB";
  query.peer = 119;
  query.factor = 1.2;
  query.columns =
      "ts TIMESTAMP(3) NOT NULL, user_id DECIMAL(38, 0) NOT NULL, page_id DECIMAL(38, 0) NOT NULL, ad_id BIGINT NOT "
      "NULL, ad_type BIGINT NOT NULL, "
      "event_type BIGINT NOT NULL, ip_address DECIMAL(38, 0) NOT NULL";
  query.result_columns = "window_end TIMESTAMP(3), campaign BIGINT, n BIGINT, latest TIMESTAMP(3)";
  query.select =
      "SELECT window_end, campaign, COUNT(*), MAX(ts) FROM (SELECT campaign_of(ad_id) AS campaign, ts, window_start, "
      "window_end FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1:40' MINUTE TO SECOND)) WHERE event_type "
      "= 0) GROUP BY window_start, window_end, campaign";
  query.functions = campaign_lookup(campaigns);
  query.read_columns = {"ts", "ad_id", "event_type"};
  query.layout = {sizeof(Row),
                  {{"ts", offsetof(Row, time), FieldForm::kInt64, query.unit_ns},
                   {"user_id", offsetof(Row, user), FieldForm::kInt128},
                   {"page_id", offsetof(Row, page), FieldForm::kInt128},
                   {"ad_id", offsetof(Row, ad), FieldForm::kInt64},
                   {"ad_type", offsetof(Row, ad_type), FieldForm::kInt64},
                   {"event_type", offsetof(Row, event_type), FieldForm::kInt64},
                   {"ip_address", offsetof(Row, address), FieldForm::kInt128}}};
  query.size = query.slide = 100;
  query.reads_under_half = true;
  query.rows = run_rows(parameters, 200'000'000);
  query.replay = Replay(sample, sizeof(Row), replay_bytes(parameters));
  query.key_count = kCampaigns;
  query.lower = [campaigns](std::uint32_t key, const Cell& cell, ResultRow& row) {
    row.add(campaigns[std::size_t{key} * 10]);
    row.add(cell.count);
    row.add(cell.last_unit * 1'000'000'000);
    return true;
  };
  std::vector<Query> queries;
  queries.push_back(std::move(query));
  return queries;
}

}  // namespace weir::bench
