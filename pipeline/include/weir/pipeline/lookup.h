// Lookup: a host's dictionary as a scalar function of SQL. After register_lookup("campaign_of", …) a query may say
// campaign_of(ad_id); a key that the dictionary does not have gives NULL, so WHERE campaign_of(ad_id) IS NOT NULL is an
// inner join with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weir/core/result.h"

namespace weir {

inline constexpr std::size_t kLookupEntriesMax = std::size_t{1} << 26;

/// `count` pairs: keys[i] stands for values[i]. Copied.
struct LookupEntries {
  const std::int64_t* keys = nullptr;
  const std::int64_t* values = nullptr;
  std::size_t count = 0;
};

/// Makes `name(BIGINT) → BIGINT` known to SQL and the builder of this process, from then on and for good.
/// Thread: any, before jobs are bound. Allocates: 16 to 64 bytes an entry, or 8 bytes for each number between the least
/// and the greatest key where they lie close. Cost: a load a row for close keys, else a probe of a hash table.
/// Errors: kInvalidArgument (a name that is taken or is no identifier, a key given twice), kLimitExceeded.
Result<void> register_lookup(std::string name, const LookupEntries& entries);

}  // namespace weir
