// KllSketch: see kll.h.
#include "aggregates/kll.h"

#include <algorithm>
#include <array>

#include "aggregates/order_key.h"
#include "weir/core/check.h"
#include "weir/core/random.h"

namespace weir {
namespace {

// Levels below this capacity are the sampler's: they would cost sorting and add little.
constexpr std::uint32_t kLevelMin = 16;

constexpr std::uint32_t kSortedOnStack = 1024;

/// Two sorted ranges into one, without a branch that hangs on the values.
void merge_keys(const std::int64_t* left, std::uint32_t left_size, const std::int64_t* right, std::uint32_t right_size,
                std::int64_t* to) noexcept {
  const std::int64_t* const left_end = left + left_size;
  const std::int64_t* const right_end = right + right_size;
  while (left != left_end && right != right_end) {
    const std::int64_t a = *left, b = *right;
    const bool from_right = b < a;
    *to++ = from_right ? b : a;
    left += from_right ? 0 : 1;
    right += from_right ? 1 : 0;
  }
  to = std::copy(left, left_end, to);
  std::copy(right, right_end, to);
}

/// Sorts few keys of random order sooner than std::sort, whose branches are mispredicted: fours, then merges.
void sort_keys(std::int64_t* keys, std::uint32_t size) noexcept {
  if (size > kSortedOnStack) {
    std::sort(keys, keys + size);
    return;
  }
  const auto order = [](std::int64_t& a, std::int64_t& b) {
    const std::int64_t low = std::min(a, b), high = std::max(a, b);
    a = low;
    b = high;
  };
  std::uint32_t at = 0;
  for (; at + 4 <= size; at += 4) {
    std::int64_t* const four = keys + at;
    order(four[0], four[1]);
    order(four[2], four[3]);
    order(four[0], four[2]);
    order(four[1], four[3]);
    order(four[1], four[2]);
  }
  for (std::uint32_t i = at + 1; i < size; ++i)
    for (std::uint32_t j = i; j > at; --j) order(keys[j - 1], keys[j]);
  std::array<std::int64_t, kSortedOnStack> scratch;
  std::int64_t* from = keys;
  std::int64_t* to = scratch.data();
  for (std::uint32_t width = 4; width < size; width *= 2) {
    for (std::uint32_t begin = 0; begin < size; begin += 2 * width) {
      const std::uint32_t middle = std::min(begin + width, size), end = std::min(begin + 2 * width, size);
      merge_keys(from + begin, middle - begin, from + middle, end - middle, to + begin);
    }
    std::swap(from, to);
  }
  if (from != keys) std::copy(from, from + size, keys);
}

}  // namespace

bool KllSketch::start(std::uint32_t k, StateHeap& heap) noexcept {
  if (piece.data != nullptr) return true;
  if (!piece.reserve(sizeof(Header) + 4 * sizeof(std::int64_t), heap)) return false;
  Header& h = header();
  h = {};
  std::uint32_t size = k;
  for (std::uint16_t& capacity : h.capacities) {
    capacity = static_cast<std::uint16_t>(std::max(size, kLevelMin));
    if (size > kLevelMin) size = (2 * size + 2) / 3;
  }
  set_levels(1);
  return true;
}

// New levels are above those that are there; those that go are empty.
void KllSketch::set_levels(std::uint32_t levels) noexcept {
  Header& h = header();
  h.levels = static_cast<std::uint16_t>(levels);
  h.capacity = 0;
  for (std::uint32_t depth = 0; depth < levels; ++depth) h.capacity += h.capacities[depth];
}

bool KllSketch::reserve(std::uint32_t items, StateHeap& heap) noexcept {
  const std::size_t wanted = sizeof(Header) + items * sizeof(std::int64_t);
  if (piece.bytes >= wanted) return true;
  const std::size_t doubled = sizeof(Header) + 2 * (piece.bytes - sizeof(Header));
  return piece.reserve(std::max(wanted, doubled), heap, sizeof(Header) + header().used * sizeof(std::int64_t));
}

std::uint64_t KllSketch::coin() noexcept {
  return random_at(0x5EED, header().coins++);
}

void KllSketch::draw_pick() noexcept {
  header().sampled_pick = coin() & ((std::uint64_t{1} << header().base) - 1);
}

bool KllSketch::add(const double* values, std::uint32_t count, std::uint32_t k, StateHeap& heap) noexcept {
  if (count == 0) return true;
  if (!start(k, heap)) return false;
  std::uint32_t i = 0;
  while (i < count) {
    if (header().base == 0) {
      if (!push(order_key(values[i]), k, heap)) return false;
      ++header().total;
      ++i;
      continue;
    }
    // Through the block to the value that is picked, or to the block's end, without a look at the others.
    Header& h = header();
    const std::uint64_t block = std::uint64_t{1} << h.base;
    if (h.sampled_weight == 0) {
      draw_pick();
      h.sampled = order_key(values[i]);
    }
    const auto step = static_cast<std::uint32_t>(std::min<std::uint64_t>(count - i, block - h.sampled_weight));
    if (h.sampled_pick >= h.sampled_weight && h.sampled_pick - h.sampled_weight < step)
      h.sampled = order_key(values[i + (h.sampled_pick - h.sampled_weight)]);
    h.sampled_weight += step;
    h.total += step;
    i += step;
    if (h.sampled_weight < block) continue;
    h.sampled_weight = 0;
    if (!push(h.sampled, k, heap)) return false;
  }
  return true;
}

bool KllSketch::push(std::int64_t key, std::uint32_t k, StateHeap& heap) noexcept {
  if (!reserve(header().used + 1, heap)) return false;
  keys()[header().used++] = key;
  ++header().sizes[0];
  return header().used < header().capacity || make_room(k, heap);
}

// A value with the weight of several goes into the sampler's block, which it may complete.
bool KllSketch::sample(std::int64_t key, std::uint64_t weight, std::uint32_t k, StateHeap& heap) noexcept {
  Header& h = header();
  const std::uint64_t block = std::uint64_t{1} << h.base;
  const std::uint64_t before = h.sampled_weight, sum = before + weight;
  if (sum < block) {
    if (before == 0 || coin() % sum < weight) h.sampled = key;
    h.sampled_weight = sum;
    draw_pick();  // the one that stands for `sum` values stays with the chance sum / block
    return true;
  }
  // One of the two leaves with the weight of a block, the other stays with the rest, so that each weighs on average
  // what it did.
  const std::uint64_t rest = sum - block;
  const bool new_leaves = before == 0 || coin() % (block - rest) < weight - rest;
  const std::int64_t leaves = new_leaves ? key : h.sampled;
  if (!new_leaves) h.sampled = key;
  h.sampled_weight = rest;
  if (rest != 0) draw_pick();
  return push(leaves, k, heap);
}

// Compacts the lowest level that is full, until there is room.
bool KllSketch::make_room(std::uint32_t k, StateHeap& heap) noexcept {
  while (header().used >= header().capacity) {
    std::uint32_t level = 0;
    const std::uint32_t levels = header().levels;
    while (header().sizes[level] < header().capacities[levels - 1 - level]) ++level;
    if (level == levels - 1) {
      const bool sampled = header().capacities[levels] <= kLevelMin;
      set_levels(levels + 1);
      compact(level);
      if (sampled && !raise_base(k, heap)) return false;
    } else {
      compact(level);
    }
  }
  return true;
}

// Half of the level's items go up, chosen by a coin: the first of each pair in order, or the second. The last of an odd
// number stays.
void KllSketch::compact(std::uint32_t level) noexcept {
  Header& h = header();
  std::uint32_t begin = 0;
  for (std::uint32_t above = level + 1; above < h.levels; ++above) begin += h.sizes[above];
  std::int64_t* const first = keys() + begin;
  const std::uint32_t size = h.sizes[level], pairs = size / 2;
  const std::uint64_t odd = coin() >> 63;
  if (size == 0) return;
  const std::int64_t kept = first[size - 1];
  sort_keys(first, 2 * pairs);
  for (std::uint32_t i = 0; i < pairs; ++i) first[i] = first[2 * i + odd];
  if (size % 2 != 0) first[pairs] = kept;
  const std::uint32_t left = pairs + size % 2;
  std::copy(first + size, keys() + h.used, first + left);
  h.used -= size - left;
  h.sizes[level] = size % 2;
  h.sizes[level + 1] += pairs;
}

// The lowest level's items go up, and from now on the sampler takes one of twice as many values.
bool KllSketch::raise_base(std::uint32_t k, StateHeap& heap) noexcept {
  if (header().levels == 1) set_levels(2);
  compact(0);
  Header& h = header();
  const bool left = h.sizes[0] != 0;
  const std::int64_t last = left ? keys()[h.used - 1] : 0;
  const std::uint64_t weight = std::uint64_t{1} << h.base;
  if (left) --h.used;
  std::copy(h.sizes + 1, h.sizes + h.levels, h.sizes);
  h.sizes[h.levels - 1] = 0;
  set_levels(h.levels - 1u);
  ++h.base;
  if (left) return sample(last, weight, k, heap);
  if (h.sampled_weight != 0) draw_pick();
  return true;
}

bool KllSketch::add_partial(std::string_view bytes, std::uint32_t k, StateHeap& heap) noexcept {
  if (bytes.empty()) return true;
  PieceReader from(bytes);
  const auto other = from.take<Header>();
  if (!start(k, heap)) return false;
  if (header().total == 0) header().base = other.base;
  while (header().base < other.base)
    if (!raise_base(k, heap)) return false;
  if (!reserve(header().used + other.used + 1, heap)) return false;
  header().total += other.total;
  // From the top: what is as heavy as items here joins its level, the rest goes through the sampler.
  for (std::uint32_t level = other.levels; level-- > 0;) {
    const std::uint32_t height = other.base + level;
    for (std::uint32_t i = 0; i < other.sizes[level]; ++i) {
      const auto key = from.take<std::int64_t>();
      Header& h = header();
      if (height < h.base) {
        if (!sample(key, std::uint64_t{1} << height, k, heap)) return false;
        continue;
      }
      const std::uint32_t to = height - h.base;
      if (h.levels <= to) set_levels(to + 1);
      std::uint32_t end = 0;
      for (std::uint32_t above = to; above < h.levels; ++above) end += h.sizes[above];
      std::copy_backward(keys() + end, keys() + h.used, keys() + h.used + 1);
      keys()[end] = key;
      ++h.used;
      ++h.sizes[to];
    }
  }
  if (other.sampled_weight != 0 && !sample(other.sampled, other.sampled_weight, k, heap)) return false;
  while (header().levels > 2 && header().capacities[header().levels - 2] <= kLevelMin)
    if (!raise_base(k, heap)) return false;
  return make_room(k, heap);
}

std::string_view KllSketch::partial() const noexcept {
  if (piece.data == nullptr) return {};
  return {reinterpret_cast<const char*>(piece.data), sizeof(Header) + header().used * sizeof(std::int64_t)};
}

bool KllSketch::quantile(double fraction, StateHeap& heap, double& value) const noexcept {
  struct Weighed {
    std::int64_t key;
    std::uint64_t weight;
  };
  const Header& h = header();
  const std::size_t bytes = (h.used + 1) * sizeof(Weighed);
  auto* const items = static_cast<Weighed*>(heap.take(bytes));
  if (items == nullptr) return false;
  std::uint32_t count = 0;
  for (std::uint32_t level = h.levels; level-- > 0;)
    for (std::uint32_t i = 0; i < h.sizes[level]; ++i, ++count)
      items[count] = {keys()[count], std::uint64_t{1} << (h.base + level)};
  if (h.sampled_weight != 0) items[count++] = {h.sampled, h.sampled_weight};
  std::sort(items, items + count, [](const Weighed& a, const Weighed& b) { return a.key < b.key; });
  auto rank = static_cast<std::uint64_t>(fraction * static_cast<double>(h.total - 1));
  std::uint32_t at = 0;
  for (; at + 1 < count && rank >= items[at].weight; ++at) rank -= items[at].weight;
  value = double_of_key(items[at].key);
  heap.give_back(items, bytes);
  return true;
}

}  // namespace weir
