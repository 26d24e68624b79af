// IEX DEEP 1.0: every message type, its size, and which of its bytes are which column. Numbers are little-endian,
// prices signed with 4 decimals, times nanoseconds since the epoch; a message may grow at its end in later versions.
// Source: "IEX DEEP Specification", sections "Administrative messages", "Trading messages", "Auction information".
#include "formats/feed_decoder.h"

namespace weir::detail {
namespace {

constexpr WireColumn kColumns[] = {
    {"message_type", WireKind::kText},
    {"timestamp", WireKind::kInstant},
    {"symbol", WireKind::kText},
    {"flags"},
    {"system_event", WireKind::kText},
    {"round_lot_size"},
    {"adjusted_poc_price", WireKind::kPrice, 4},
    {"luld_tier"},
    {"trading_status", WireKind::kText},
    {"reason", WireKind::kText},
    {"retail_liquidity", WireKind::kText},
    {"halt_status", WireKind::kText},
    {"short_sale_status"},
    {"short_sale_detail", WireKind::kText},
    {"security_event", WireKind::kText},
    {"size"},
    {"price", WireKind::kPrice, 4},
    {"trade_id"},
    {"price_type", WireKind::kText},
    {"auction_type", WireKind::kText},
    {"paired_shares"},
    {"reference_price", WireKind::kPrice, 4},
    {"indicative_clearing_price", WireKind::kPrice, 4},
    {"imbalance_shares"},
    {"imbalance_side", WireKind::kText},
    {"extension_number"},
    {"scheduled_auction_time"},
    {"auction_book_clearing_price", WireKind::kPrice, 4},
    {"collar_reference_price", WireKind::kPrice, 4},
    {"lower_collar", WireKind::kPrice, 4},
    {"upper_collar", WireKind::kPrice, 4},
    {"channel", WireKind::kUnsigned, 0, Around::kChannel},
    {"session", WireKind::kUnsigned, 0, Around::kSession},
    {"sequence", WireKind::kUnsigned, 0, Around::kSequence},
    {"send_time", WireKind::kInstant, 0, Around::kSendTime},
};

constexpr WireField kEvery[] = {{"message_type", 0, 1}, {"timestamp", 2, 8}};

constexpr WireField kSystemEvent[] = {{"system_event", 1, 1}};
constexpr WireField kDirectory[] = {
    {"flags", 1, 1}, {"symbol", 10, 8}, {"round_lot_size", 18, 4}, {"adjusted_poc_price", 22, 8}, {"luld_tier", 30, 1}};
constexpr WireField kTradingStatus[] = {{"trading_status", 1, 1}, {"symbol", 10, 8}, {"reason", 18, 4}};
constexpr WireField kRetail[] = {{"retail_liquidity", 1, 1}, {"symbol", 10, 8}};
constexpr WireField kHalt[] = {{"halt_status", 1, 1}, {"symbol", 10, 8}};
constexpr WireField kShortSale[] = {{"short_sale_status", 1, 1}, {"symbol", 10, 8}, {"short_sale_detail", 18, 1}};
constexpr WireField kSecurityEvent[] = {{"security_event", 1, 1}, {"symbol", 10, 8}};
constexpr WireField kPriceLevel[] = {{"flags", 1, 1}, {"symbol", 10, 8}, {"size", 18, 4}, {"price", 22, 8}};
constexpr WireField kTrade[] = {
    {"flags", 1, 1}, {"symbol", 10, 8}, {"size", 18, 4}, {"price", 22, 8}, {"trade_id", 30, 8}};
constexpr WireField kOfficialPrice[] = {{"price_type", 1, 1}, {"symbol", 10, 8}, {"price", 18, 8}};
constexpr WireField kAuction[] = {{"auction_type", 1, 1},
                                  {"symbol", 10, 8},
                                  {"paired_shares", 18, 4},
                                  {"reference_price", 22, 8},
                                  {"indicative_clearing_price", 30, 8},
                                  {"imbalance_shares", 38, 4},
                                  {"imbalance_side", 42, 1},
                                  {"extension_number", 43, 1},
                                  {"scheduled_auction_time", 44, 4},
                                  {"auction_book_clearing_price", 48, 8},
                                  {"collar_reference_price", 56, 8},
                                  {"lower_collar", 64, 8},
                                  {"upper_collar", 72, 8}};

constexpr WireMessage kMessages[] = {
    {'S', 10, "system event", kSystemEvent},
    {'D', 31, "security directory", kDirectory},
    {'H', 22, "trading status", kTradingStatus},
    {'I', 18, "retail liquidity indicator", kRetail},
    {'O', 18, "operational halt status", kHalt},
    {'P', 19, "short sale price test", kShortSale},
    {'E', 18, "security event", kSecurityEvent},
    {'8', 30, "price level update, buy", kPriceLevel},
    {'5', 30, "price level update, sell", kPriceLevel},
    {'T', 38, "trade report", kTrade},
    {'X', 26, "official price", kOfficialPrice},
    {'B', 38, "trade break", kTrade},
    {'A', 80, "auction information", kAuction},
};

constexpr WireProtocol kProtocol{.format = "iex-deep",
                                 .big_endian = false,
                                 .may_grow = true,
                                 .columns = kColumns,
                                 .every_message = kEvery,
                                 .messages = kMessages};

}  // namespace

const WireProtocol& iex_deep_protocol() {
  return kProtocol;
}

}  // namespace weir::detail
