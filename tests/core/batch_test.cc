// Batches: their layout in memory and what reset restores; strings.
#include "weir/core/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "weir/core/random.h"

namespace weir {
namespace {

struct Free {
  void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{kVectorAlignment}); }
};
using Memory = std::unique_ptr<void, Free>;

/// As many bytes as the layout wants, all 0xa5, with a guard behind them.
constexpr std::size_t kGuard = 64;
Memory take(const BatchLayout& layout) {
  Memory memory(::operator new (layout.bytes() + kGuard, std::align_val_t{kVectorAlignment}));
  std::memset(memory.get(), 0xa5, layout.bytes() + kGuard);
  return memory;
}
bool guard_is_whole(const BatchLayout& layout, const Memory& memory) {
  const auto* end = static_cast<const unsigned char*>(memory.get()) + layout.bytes();
  return std::all_of(end, end + kGuard, [](unsigned char byte) { return byte == 0xa5; });
}

const Physical kAll[] = {Physical::kInt8,   Physical::kInt16, Physical::kInt32,  Physical::kInt64,
                         Physical::kInt128, Physical::kFloat, Physical::kDouble, Physical::kString};

TEST(Batch, PartsAreAlignedApartAndInsideItsMemory) {
  for (const std::uint32_t capacity : {1u, 2u, 63u, 64u, 65u, 1024u, kBatchRowsMax}) {
    for (int flags = 0; flags < 4; ++flags) {
      const BatchLayout layout{kAll, capacity, flags == 0 ? 0u : 1000u, (flags & 1) != 0, (flags & 2) != 0};
      EXPECT_EQ(layout.bytes() % 64, 0u);
      const Memory memory = take(layout);
      Batch* batch = Batch::create(layout, memory.get());
      struct Part {
        const char* begin;
        std::size_t bytes;
      };
      std::vector<Part> parts{{reinterpret_cast<const char*>(batch), sizeof(Batch)}};
      ASSERT_EQ(batch->column_count(), 8u);
      for (std::uint32_t c = 0; c < 8; ++c) {
        const Vector& column = batch->column(c);
        EXPECT_EQ(column.physical, kAll[c]);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(column.data) % kVectorAlignment, 0u);
        parts.push_back({static_cast<const char*>(column.data), capacity * physical_size(kAll[c])});
        EXPECT_EQ(column.validity != nullptr, layout.nullable);
        if (column.validity != nullptr)
          parts.push_back({reinterpret_cast<const char*>(column.validity), validity_words(capacity) * 8});
      }
      EXPECT_EQ(batch->kinds() != nullptr, layout.kinds);
      if (batch->kinds() != nullptr) parts.push_back({reinterpret_cast<const char*>(batch->kinds()), capacity});
      EXPECT_EQ(batch->heap().capacity(), layout.heap_bytes);
      if (layout.heap_bytes != 0) parts.push_back({batch->heap().take(layout.heap_bytes), layout.heap_bytes});
      std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.begin < b.begin; });
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) EXPECT_LE(parts[i].begin + parts[i].bytes, parts[i + 1].begin);
      EXPECT_GE(parts.front().begin, static_cast<const char*>(memory.get()));
      EXPECT_LE(parts.back().begin + parts.back().bytes, static_cast<const char*>(memory.get()) + layout.bytes());
      EXPECT_TRUE(guard_is_whole(layout, memory));
    }
  }
}

TEST(Batch, WithoutColumnsStillCountsRows) {
  const BatchLayout layout{{}, 4, 0, true, false};
  const Memory memory = take(layout);
  Batch* batch = Batch::create(layout, memory.get());
  EXPECT_EQ(batch->column_count(), 0u);
  batch->set_row_count(4);
  EXPECT_TRUE(batch->full());
  EXPECT_TRUE(guard_is_whole(layout, memory));
}

TEST(Batch, ResetRestoresEverything) {
  const Physical columns[] = {Physical::kInt64, Physical::kString};
  const BatchLayout layout{columns, 100, 64, true, true};
  const Memory memory = take(layout);
  Batch* batch = Batch::create(layout, memory.get());
  void* own = batch->column(0).data;
  std::int64_t elsewhere[100] = {};
  const std::uint32_t rows[] = {1, 3};
  batch->set_row_count(100);
  batch->set_selection(rows, 2);
  EXPECT_EQ(batch->selected_count(), 2u);
  for (std::uint32_t r = 0; r < 100; ++r) batch->column(1).set_valid(r, false);
  batch->kinds()[99] = RowKind::kDelete;
  batch->column(0).data = elsewhere;
  batch->column(0).validity = nullptr;
  batch->heap().take(64);
  batch->header().event_time_min = 1;
  batch->header().input = 3;

  batch->reset();
  EXPECT_EQ(batch->row_count(), 0u);
  EXPECT_FALSE(batch->has_selection());
  EXPECT_EQ(batch->selected_count(), 0u);
  EXPECT_EQ(batch->column(0).data, own);
  ASSERT_NE(batch->column(0).validity, nullptr);
  for (std::uint32_t r = 0; r < 100; ++r) {
    EXPECT_TRUE(batch->column(1).is_valid(r));
    EXPECT_EQ(batch->kinds()[r], RowKind::kInsert);
  }
  EXPECT_EQ(batch->heap().available(), 64u);
  EXPECT_EQ(batch->header().event_time_min, kEventTimeMax);
  EXPECT_EQ(batch->header().input, 0u);
  EXPECT_TRUE(guard_is_whole(layout, memory));
}

TEST(Vector, ValidityBitsAreSetOneByOne) {
  std::vector<std::uint64_t> words(3, 0);
  Vector vector;
  vector.validity = words.data();
  Random random(1);
  std::vector<bool> oracle(192, false);
  for (int i = 0; i < 1000; ++i) {
    const auto row = static_cast<std::uint32_t>(random.below(192));
    const bool valid = random.chance(1, 2);
    vector.set_valid(row, valid);
    oracle[row] = valid;
  }
  for (std::uint32_t row = 0; row < 192; ++row) EXPECT_EQ(vector.is_valid(row), oracle[row]);
  vector.validity = nullptr;
  EXPECT_TRUE(vector.is_valid(5));
}

TEST(BatchDeathTest, ChecksItsMemoryAndCapacity) {
  const BatchLayout layout{{}, 4, 0, true, false};
  const Memory memory = take(layout);
  EXPECT_DEATH(Batch::create(layout, static_cast<char*>(memory.get()) + 1), "kVectorAlignment");
  const BatchLayout none{{}, 0, 0, true, false};
  EXPECT_DEATH(Batch::create(none, memory.get()), "capacity");
}

TEST(StringHeap, GivesOutWhatItHasAndNoMore) {
  char memory[20];
  StringHeap heap(memory, sizeof(memory));
  StringRef ref;
  EXPECT_TRUE(heap.store("short", ref));
  EXPECT_EQ(heap.used(), 0u);
  EXPECT_TRUE(heap.store("0123456789abc", ref));  // 13 bytes do not fit inline
  EXPECT_EQ(ref.view(), "0123456789abc");
  EXPECT_EQ(ref.view().data(), memory);
  EXPECT_FALSE(heap.store("0123456789abc", ref));
  EXPECT_EQ(heap.used(), 13u);
  heap.rewind(0);
  EXPECT_NE(heap.take(20), nullptr);
  EXPECT_EQ(heap.take(1), nullptr);
  EXPECT_NE(heap.take(0), nullptr);
}

TEST(StringRef, ComparesAsTheTextDoes) {
  std::vector<std::string> texts = {"",
                                    "a",
                                    "ab",
                                    "abc",
                                    "abcd",
                                    "abcde",
                                    "abcdefghijkl",
                                    "abcdefghijklm",
                                    "abcdefghijklmn",
                                    "abcdefghijklx",
                                    "abcx",
                                    std::string("a\0b", 3),
                                    std::string("a\0c", 3),
                                    "\x80",
                                    "\xff",
                                    std::string(1000, 'z')};
  for (const std::string& left : texts) {
    const std::string copy = left;  // equal text at another address
    EXPECT_EQ(StringRef(left).view().size(), left.size());
    EXPECT_TRUE(StringRef(left) == StringRef(copy));
    for (const std::string& right : texts) {
      EXPECT_EQ(StringRef(left) == StringRef(right), left == right) << left << " " << right;
      EXPECT_EQ(StringRef(left) < StringRef(right), left < right) << left << " " << right;
    }
  }
  for (const std::string& text : texts) {
    const StringRef ref(text);
    EXPECT_EQ(ref.view(), text);
    EXPECT_EQ(ref.is_inline(), text.size() <= 12);
  }
}

}  // namespace
}  // namespace weir
