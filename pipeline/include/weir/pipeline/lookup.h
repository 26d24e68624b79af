// Lookup: a host's dictionary as a scalar function of SQL. After FunctionCatalogue::add_lookup("campaign_of", …) a
// query may say campaign_of(ad_id); a key that the dictionary does not have gives NULL, so WHERE campaign_of(ad_id) IS
// NOT NULL is an inner join with it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t kLookupEntriesMax = std::size_t{1} << 26;

/// `count` pairs: keys[i] stands for values[i]. Copied.
struct LookupEntries {
  const std::int64_t* keys = nullptr;
  const std::int64_t* values = nullptr;
  std::size_t count = 0;
};

}  // namespace weir
