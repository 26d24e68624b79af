// Part of hash.cc, compiled once for every target, where the compiler turns the loops into vector code, and once for
// the plain loops.

template <class T>
void hash_kernel(const T* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  const auto one = [&](std::uint32_t row) {
    const std::uint64_t hash = rows.valid(row) ? hash_value(keys[row]) : kNullHash;
    hashes[row] = mode == HashMode::kStart ? hash : combine_hash(hashes[row], hash);
  };
  if (rows.selection != nullptr) {
    for (std::uint32_t i = 0; i < rows.count; ++i) one(rows.selection[i]);
    return;
  }
  constexpr std::uint32_t kBlock = 64;
  std::uint32_t row = 0;
  for (; row + kBlock <= rows.count; row += kBlock) {
    alignas(64) std::uint64_t block[kBlock];
    for (std::uint32_t i = 0; i < kBlock; ++i) block[i] = hash_value(keys[row + i]);
    if (rows.validity != nullptr) {
      for (std::uint64_t nulls = ~rows.validity[row / 64]; nulls != 0; nulls &= nulls - 1) {
        block[std::countr_zero(nulls)] = kNullHash;
      }
    }
    if (mode == HashMode::kStart) {
      std::memcpy(hashes + row, block, sizeof block);
    } else {
      for (std::uint32_t i = 0; i < kBlock; ++i) hashes[row + i] = combine_hash(hashes[row + i], block[i]);
    }
  }
  for (; row < rows.count; ++row) one(row);
}

const HashTable* hash_table() {
  static constexpr HashTable kTable = {
      &hash_kernel<std::int8_t>,  &hash_kernel<std::int16_t>,  &hash_kernel<std::int32_t>,  &hash_kernel<std::int64_t>,
      &hash_kernel<std::uint8_t>, &hash_kernel<std::uint32_t>, &hash_kernel<std::uint64_t>, &hash_kernel<double>,
      &hash_kernel<float>,        &hash_kernel<Word16>};
  return &kTable;
}
