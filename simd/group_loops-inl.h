// Part of group.cc, compiled once for every target and once for the plain loops.

template <class K>
bool dense_kernel(const K* keys, K base, std::uint32_t range, const Rows& rows, std::uint32_t* groups) {
  using U = std::make_unsigned_t<K>;
  const U first = static_cast<U>(base);
  const auto one = [&](std::uint32_t row) -> bool {
    const U group = static_cast<U>(static_cast<U>(keys[row]) - first);
    const bool valid = rows.valid(row);
    groups[row] = valid ? static_cast<std::uint32_t>(group) : range;
    return !valid | (group < range);
  };
  bool all = true;
  std::uint32_t i = 0;
  if (rows.selection == nullptr) {
    for (; i + 64 <= rows.count; i += 64) {
      if (rows.validity != nullptr && rows.validity[i / 64] != ~std::uint64_t{0}) {
        for (std::uint32_t row = i; row < i + 64; ++row) all &= one(row);
        continue;
      }
      U outside = 0;
      for (std::uint32_t row = i; row < i + 64; ++row) {
        const U group = static_cast<U>(static_cast<U>(keys[row]) - first);
        groups[row] = static_cast<std::uint32_t>(group);
        outside |= group >= range ? U{1} : U{0};
      }
      all &= outside == 0;
    }
  }
  for (; i < rows.count; ++i) all &= one(rows[i]);
  return all;
}

template <class K>
bool digit_kernel(const K* keys, K base, std::uint32_t range, std::uint32_t scale, const Rows& rows,
                  std::uint32_t* groups) {
  using U = std::make_unsigned_t<K>;
  const U first = static_cast<U>(base);
  bool all = true;
  const auto one = [&](std::uint32_t row) {
    const U digit = static_cast<U>(static_cast<U>(keys[row]) - first);
    groups[row] += static_cast<std::uint32_t>(digit) * scale;
    all &= digit < range;
  };
  std::uint32_t i = 0;
  if (rows.selection == nullptr) {
    for (; i + 64 <= rows.count; i += 64) {  // a count that is known, and groups apart from keys: vector code
      const K* from = keys + i;
      std::uint32_t* to = groups + i;
      std::uint32_t sums[64];
      U outside = 0;
      for (int at = 0; at < 64; ++at) {
        const U digit = static_cast<U>(static_cast<U>(from[at]) - first);
        sums[at] = to[at] + static_cast<std::uint32_t>(digit) * scale;
        outside |= digit >= range ? U{1} : U{0};
      }
      std::memcpy(to, sums, sizeof sums);
      all &= outside == 0;
    }
  }
  for (; i < rows.count; ++i) one(rows[i]);
  return all;
}
