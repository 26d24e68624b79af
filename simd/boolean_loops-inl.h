// Part of boolean.cc, compiled once for every target and once for the plain loops (where bits_of_bytes and
// bytes_of_bits are loops too).

inline void to_bits_kernel(const std::uint8_t* bytes, std::size_t count, std::uint64_t* words) {
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) words[i / 64] = bits_of_bytes(bytes + i);
  if (i < count) words[i / 64] = bits_of_tail(bytes + i, count - i);
}

inline void to_bytes_kernel(const std::uint64_t* words, std::size_t count, std::uint8_t* bytes) {
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) bytes_of_bits(words[i / 64], bytes + i);
  if (i < count) bytes_of_tail(words[i / 64], count - i, bytes + i);
}

template <Logic kLogic>
bool logic_kernel(const BoolVector& left, const BoolVector& right, std::uint32_t count, std::uint8_t* values,
                  std::uint64_t* validity) {
  std::uint64_t nulls = 0;
  for (std::uint32_t row = 0; row < count; row += 64) {
    const std::uint32_t size = count - row < 64 ? count - row : 64;
    const std::uint64_t used = low_bits(size);
    const auto read = [&](const BoolVector& input) {
      const std::uint64_t valid = input.validity == nullptr ? used : input.validity[row / 64] & used;
      return BoolWord{size == 64 ? bits_of_bytes(input.values + row) : bits_of_tail(input.values + row, size), valid};
    };
    const BoolWord out = apply<kLogic>(read(left), read(right));
    nulls |= used & ~out.validity;
    validity[row / 64] = out.validity & used;
    if (size == 64) {
      bytes_of_bits(out.values, values + row);
    } else {
      bytes_of_tail(out.values, size, values + row);
    }
  }
  return nulls != 0;
}
