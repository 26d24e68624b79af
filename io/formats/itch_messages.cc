// NASDAQ TotalView-ITCH 5.0: every message type, its size, and which of its bytes are which column. Numbers are
// big-endian and unsigned, prices have 4 decimals (MWCB levels 8), text is padded with blanks on the right.
// Source: "Nasdaq TotalView-ITCH 5.0", section 1 (message formats).
#include "formats/feed_decoder.h"

namespace weir::detail {
namespace {

constexpr WireColumn kColumns[] = {
    {"message_type", WireKind::kText},
    {"stock_locate"},
    {"tracking_number"},
    {"timestamp", WireKind::kClock},
    {"order_ref"},
    {"new_order_ref"},
    {"side", WireKind::kText},
    {"shares"},
    {"stock", WireKind::kText},
    {"price", WireKind::kPrice, 4},
    {"match_number"},
    {"mpid", WireKind::kText},
    {"printable", WireKind::kText},
    {"event_code", WireKind::kText},
    {"market_category", WireKind::kText},
    {"financial_status", WireKind::kText},
    {"round_lot_size"},
    {"round_lots_only", WireKind::kText},
    {"issue_classification", WireKind::kText},
    {"issue_subtype", WireKind::kText},
    {"authenticity", WireKind::kText},
    {"short_sale_threshold", WireKind::kText},
    {"ipo_flag", WireKind::kText},
    {"luld_tier", WireKind::kText},
    {"etp_flag", WireKind::kText},
    {"etp_leverage_factor"},
    {"inverse", WireKind::kText},
    {"trading_state", WireKind::kText},
    {"reason", WireKind::kText},
    {"reg_sho_action", WireKind::kText},
    {"primary_market_maker", WireKind::kText},
    {"market_maker_mode", WireKind::kText},
    {"participant_state", WireKind::kText},
    {"mwcb_level_1", WireKind::kPrice, 8},
    {"mwcb_level_2", WireKind::kPrice, 8},
    {"mwcb_level_3", WireKind::kPrice, 8},
    {"breached_level", WireKind::kText},
    {"ipo_release_time"},
    {"ipo_qualifier", WireKind::kText},
    {"upper_collar", WireKind::kPrice, 4},
    {"lower_collar", WireKind::kPrice, 4},
    {"collar_extension"},
    {"market_code", WireKind::kText},
    {"halt_action", WireKind::kText},
    {"cross_type", WireKind::kText},
    {"paired_shares"},
    {"imbalance_shares"},
    {"imbalance_direction", WireKind::kText},
    {"far_price", WireKind::kPrice, 4},
    {"near_price", WireKind::kPrice, 4},
    {"reference_price", WireKind::kPrice, 4},
    {"price_variation", WireKind::kText},
    {"interest_flag", WireKind::kText},
    {"open_eligibility", WireKind::kText},
    {"minimum_price", WireKind::kPrice, 4},
    {"maximum_price", WireKind::kPrice, 4},
    {"near_execution_price", WireKind::kPrice, 4},
    {"near_execution_time"},
    {"session", WireKind::kText, 0, Around::kSession},
    {"sequence", WireKind::kUnsigned, 0, Around::kSequence},
};

constexpr WireField kEvery[] = {
    {"message_type", 0, 1}, {"stock_locate", 1, 2}, {"tracking_number", 3, 2}, {"timestamp", 5, 6}};

constexpr WireField kSystemEvent[] = {{"event_code", 11, 1}};
constexpr WireField kStockDirectory[] = {{"stock", 11, 8},
                                         {"market_category", 19, 1},
                                         {"financial_status", 20, 1},
                                         {"round_lot_size", 21, 4},
                                         {"round_lots_only", 25, 1},
                                         {"issue_classification", 26, 1},
                                         {"issue_subtype", 27, 2},
                                         {"authenticity", 29, 1},
                                         {"short_sale_threshold", 30, 1},
                                         {"ipo_flag", 31, 1},
                                         {"luld_tier", 32, 1},
                                         {"etp_flag", 33, 1},
                                         {"etp_leverage_factor", 34, 4},
                                         {"inverse", 38, 1}};
constexpr WireField kTradingAction[] = {{"stock", 11, 8}, {"trading_state", 19, 1}, {"reason", 21, 4}};
constexpr WireField kRegSho[] = {{"stock", 11, 8}, {"reg_sho_action", 19, 1}};
constexpr WireField kParticipant[] = {{"mpid", 11, 4},
                                      {"stock", 15, 8},
                                      {"primary_market_maker", 23, 1},
                                      {"market_maker_mode", 24, 1},
                                      {"participant_state", 25, 1}};
constexpr WireField kMwcbLevels[] = {{"mwcb_level_1", 11, 8}, {"mwcb_level_2", 19, 8}, {"mwcb_level_3", 27, 8}};
constexpr WireField kMwcbStatus[] = {{"breached_level", 11, 1}};
constexpr WireField kIpoQuoting[] = {
    {"stock", 11, 8}, {"ipo_release_time", 19, 4}, {"ipo_qualifier", 23, 1}, {"price", 24, 4}};
constexpr WireField kLuldCollar[] = {{"stock", 11, 8},
                                     {"reference_price", 19, 4},
                                     {"upper_collar", 23, 4},
                                     {"lower_collar", 27, 4},
                                     {"collar_extension", 31, 4}};
constexpr WireField kOperationalHalt[] = {{"stock", 11, 8}, {"market_code", 19, 1}, {"halt_action", 20, 1}};
constexpr WireField kAddOrder[] = {
    {"order_ref", 11, 8}, {"side", 19, 1}, {"shares", 20, 4}, {"stock", 24, 8}, {"price", 32, 4}};
constexpr WireField kAddOrderMpid[] = {{"order_ref", 11, 8}, {"side", 19, 1},  {"shares", 20, 4},
                                       {"stock", 24, 8},     {"price", 32, 4}, {"mpid", 36, 4}};
constexpr WireField kExecuted[] = {{"order_ref", 11, 8}, {"shares", 19, 4}, {"match_number", 23, 8}};
constexpr WireField kExecutedPrice[] = {
    {"order_ref", 11, 8}, {"shares", 19, 4}, {"match_number", 23, 8}, {"printable", 31, 1}, {"price", 32, 4}};
constexpr WireField kCancel[] = {{"order_ref", 11, 8}, {"shares", 19, 4}};
constexpr WireField kDelete[] = {{"order_ref", 11, 8}};
constexpr WireField kReplace[] = {{"order_ref", 11, 8}, {"new_order_ref", 19, 8}, {"shares", 27, 4}, {"price", 31, 4}};
constexpr WireField kTrade[] = {{"order_ref", 11, 8}, {"side", 19, 1},  {"shares", 20, 4},
                                {"stock", 24, 8},     {"price", 32, 4}, {"match_number", 36, 8}};
constexpr WireField kCrossTrade[] = {
    {"shares", 11, 8}, {"stock", 19, 8}, {"price", 27, 4}, {"match_number", 31, 8}, {"cross_type", 39, 1}};
constexpr WireField kBrokenTrade[] = {{"match_number", 11, 8}};
constexpr WireField kImbalance[] = {
    {"paired_shares", 11, 8},   {"imbalance_shares", 19, 8}, {"imbalance_direction", 27, 1},
    {"stock", 28, 8},           {"far_price", 36, 4},        {"near_price", 40, 4},
    {"reference_price", 44, 4}, {"cross_type", 48, 1},       {"price_variation", 49, 1}};
constexpr WireField kRetailInterest[] = {{"stock", 11, 8}, {"interest_flag", 19, 1}};
constexpr WireField kDirectListing[] = {
    {"stock", 11, 8},         {"open_eligibility", 19, 1},     {"minimum_price", 20, 4},
    {"maximum_price", 24, 4}, {"near_execution_price", 28, 4}, {"near_execution_time", 32, 8},
    {"lower_collar", 40, 4},  {"upper_collar", 44, 4}};

constexpr WireMessage kMessages[] = {
    {'S', 12, "system event", kSystemEvent},
    {'R', 39, "stock directory", kStockDirectory},
    {'H', 25, "stock trading action", kTradingAction},
    {'Y', 20, "Reg SHO restriction", kRegSho},
    {'L', 26, "market participant position", kParticipant},
    {'V', 35, "MWCB decline level", kMwcbLevels},
    {'W', 12, "MWCB status", kMwcbStatus},
    {'K', 28, "IPO quoting period", kIpoQuoting},
    {'J', 35, "LULD auction collar", kLuldCollar},
    {'h', 21, "operational halt", kOperationalHalt},
    {'A', 36, "add order", kAddOrder},
    {'F', 40, "add order with MPID", kAddOrderMpid},
    {'E', 31, "order executed", kExecuted},
    {'C', 36, "order executed with price", kExecutedPrice},
    {'X', 23, "order cancel", kCancel},
    {'D', 19, "order delete", kDelete},
    {'U', 35, "order replace", kReplace},
    {'P', 44, "trade", kTrade},
    {'Q', 40, "cross trade", kCrossTrade},
    {'B', 19, "broken trade", kBrokenTrade},
    {'I', 50, "net order imbalance", kImbalance},
    {'N', 20, "retail price improvement", kRetailInterest},
    {'O', 48, "direct listing with capital raise", kDirectListing},
};

constexpr WireProtocol kProtocol{.format = "itch",
                                 .big_endian = true,
                                 .may_grow = false,
                                 .columns = kColumns,
                                 .every_message = kEvery,
                                 .messages = kMessages};

}  // namespace

const WireProtocol& itch_protocol() {
  return kProtocol;
}

}  // namespace weir::detail
