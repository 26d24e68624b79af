// The hot kernels, each with a result that is checked before it is timed. Rows are worked on in batches as the engine
// does it. items_per_second are rows, bytes_per_second text or column bytes.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "weir/simd/accumulate.h"
#include "weir/simd/compare.h"
#include "weir/simd/group.h"
#include "weir/simd/hash.h"
#include "weir/simd/reduce.h"
#include "weir/simd/slice.h"
#include "weir/simd/text.h"

namespace {

using namespace weir::simd;

constexpr std::uint32_t kRows = 1u << 22;

struct CountSum {
  std::uint64_t key = 0;
  std::uint64_t count = 0;
  double sum = 0;
};

std::uint64_t count_all(const std::vector<CountSum>& groups) {
  std::uint64_t count = 0;
  for (const CountSum& group : groups) count += group.count;
  return count;
}

// Random keys, probe by hash and COUNT + SUM(DOUBLE); range(0): keys, range(1): rows a batch.
void probe_count_sum(benchmark::State& state) {
  const auto key_count = static_cast<std::uint64_t>(state.range(0));
  const auto batch = static_cast<std::uint32_t>(state.range(1));
  std::mt19937_64 random(2);
  std::vector<std::uint64_t> keys(kRows);
  std::vector<double> values(kRows, 1.0);
  for (auto& key : keys) key = (random() % key_count) * 0x9E3779B97F4A7C15ull;
  std::uint64_t slot_count = 1;
  while (slot_count < key_count * 4) slot_count *= 2;
  std::vector<std::uint32_t> slots(slot_count, kEmptySlot), groups(batch), misses(batch);
  std::vector<CountSum> table;
  for (const std::uint64_t key : keys) {
    std::uint64_t slot = hash_u64(key) & (slot_count - 1);
    while (slots[slot] != kEmptySlot && table[slots[slot]].key != key) slot = (slot + 1) & (slot_count - 1);
    if (slots[slot] != kEmptySlot) continue;
    slots[slot] = static_cast<std::uint32_t>(table.size());
    table.push_back({key});
  }
  const GroupRows to{reinterpret_cast<std::byte*>(table.data()), sizeof(CountSum)};
  const GroupIndexView index{slots.data(), slot_count - 1, to.base, to.stride};
  std::uint64_t passes = 0, missed = 0;
  for (auto _ : state) {
    for (std::uint32_t at = 0; at < kRows; at += batch) {
      const Rows rows{batch};
      missed += probe_groups(index, keys.data() + at, rows, groups.data(), misses.data());
      accumulate_count_sum(groups.data(), values.data() + at, rows, to, offsetof(CountSum, count),
                           offsetof(CountSum, sum));
    }
    ++passes;
  }
  if (missed != 0 || count_all(table) != passes * kRows) state.SkipWithError("wrong count");
  state.SetItemsProcessed(static_cast<std::int64_t>(passes) * kRows);
}
BENCHMARK(probe_count_sum)->ArgsProduct({{1000, 10000, 100000, 1000000}, {1024, 4096}});

// Dense int32 keys, COUNT + SUM(DOUBLE) without group numbers; range(0): groups.
void dense_count_sum(benchmark::State& state) {
  const auto group_count = static_cast<std::uint32_t>(state.range(0));
  std::mt19937 random(1);
  std::vector<std::int32_t> keys(kRows);
  std::vector<double> values(kRows);
  for (std::uint32_t i = 0; i < kRows; ++i) {
    keys[i] = static_cast<std::int32_t>(random() % group_count) + 10;
    values[i] = static_cast<double>(random() % 1000);
  }
  struct Group {
    std::uint64_t count;
    double sum;
  };
  std::vector<Group> table(group_count);
  const DenseGroups to{{reinterpret_cast<std::byte*>(table.data()), sizeof(Group)}, group_count};
  std::uint64_t passes = 0;
  for (auto _ : state) {
    for (std::uint32_t at = 0; at < kRows; at += 1024) {
      accumulate_count_sum_dense(keys.data() + at, 10, values.data() + at, Rows{1024}, to, 0, 8);
    }
    ++passes;
  }
  std::uint64_t count = 0;
  for (const Group& group : table) count += group.count;
  if (count != passes * kRows) state.SkipWithError("wrong count");
  state.SetItemsProcessed(static_cast<std::int64_t>(passes) * kRows);
}
BENCHMARK(dense_count_sum)->Arg(1)->Arg(10)->Arg(1000)->Arg(100000);

// range(0): KiB of the column.
void sum_doubles(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0) * 1024 / 8);
  const std::vector<double> values(count, 1.0);
  double sum = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sum = sum_of(values.data(), Rows{count}));
  if (sum != static_cast<double>(count)) state.SkipWithError("wrong sum");
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * 1024);
}
BENCHMARK(sum_doubles)->Arg(16)->Arg(512)->Arg(1 << 20);

void sum_integers(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0) * 1024 / 8);
  const std::vector<std::int64_t> values(count, -3);
  Int128 sum = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sum = sum_exact(values.data(), Rows{count}));
  if (sum != Int128{-3} * count) state.SkipWithError("wrong sum");
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * 1024);
}
BENCHMARK(sum_integers)->Arg(16)->Arg(512)->Arg(1 << 20);

// About half of the rows pass; range(0): bytes of a value.
template <class T>
void select_less(benchmark::State& state) {
  std::mt19937 random(4);
  std::vector<T> values(1024);
  std::uint32_t expected = 0;
  for (T& value : values) {
    value = static_cast<T>(random() % 100);
    expected += value < 50 ? 1 : 0;
  }
  std::vector<std::uint32_t> out(1024);
  std::uint32_t count = 0;
  for (auto _ : state) {
    count = select_compare<T>(CompareOp::kLess, values.data(), 50, Rows{1024}, out.data());
    benchmark::ClobberMemory();
  }
  if (count != expected) state.SkipWithError("wrong count");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1024);
}
BENCHMARK(select_less<std::int8_t>);
BENCHMARK(select_less<std::int32_t>);
BENCHMARK(select_less<std::int64_t>);
BENCHMARK(select_less<double>);

void hash_integers(benchmark::State& state) {
  std::vector<std::int64_t> keys(1024);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::int64_t>(i);
  std::vector<std::uint64_t> hashes(1024);
  for (auto _ : state) {
    hash_column(keys.data(), Rows{1024}, HashMode::kStart, hashes.data());
    benchmark::ClobberMemory();
  }
  if (hashes[1] != hash_u64(1)) state.SkipWithError("wrong hash");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1024);
}
BENCHMARK(hash_integers);

void slices(benchmark::State& state) {
  std::vector<std::int64_t> times(1024), starts(1024);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = static_cast<std::int64_t>(i) * 10'000'000 - 77;
  for (auto _ : state) {
    slice_starts(times.data(), 1'000'000'000, 0, Rows{1024}, starts.data());
    benchmark::ClobberMemory();
  }
  if (starts[1023] != slice_start(times[1023], 1'000'000'000)) state.SkipWithError("wrong slice");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1024);
}
BENCHMARK(slices);

// Lines of 61 bytes with 6 fields, 64 KiB.
void field_ends(benchmark::State& state) {
  const std::string line = "1609459200123,ACME,101.25,300,BUY,abcdefghijklmnopqrstuvwxyz\n";
  std::string text;
  while (text.size() < 65536) text += line;
  std::vector<std::uint32_t> ends(text.size() + 8);
  std::size_t count = 0;
  for (auto _ : state) {
    QuoteState quotes;
    count = find_field_ends(text.data(), text.size(), ',', '"', quotes, ends.data());
    benchmark::ClobberMemory();
  }
  if (count != text.size() / line.size() * 6) state.SkipWithError("wrong fields");
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(field_ends);

// range(0): 0 = ASCII, 1 = one letter in four of two bytes.
void utf8(benchmark::State& state) {
  std::string text;
  while (text.size() < 65536)
    text += state.range(0) == 0 ? "abcdefgh"
                                : "abc\xC3\xA4"
                                  "def\xC3\xB6";
  std::size_t valid = 0;
  for (auto _ : state) benchmark::DoNotOptimize(valid = validate_utf8(text.data(), text.size()));
  if (valid != text.size()) state.SkipWithError("wrong verdict");
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(utf8)->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
