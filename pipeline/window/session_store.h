// SessionStore: the open sessions of one operator, by key and time, and the order in which they fire.
//
//   key ─► KeyIndex ─► root ─► [0 s, 9 s) [31 s, 47 s) …      a treap a key, by start; sessions of a key never touch
//                                │
//                                └─► StatePool row: start end key | accumulators
//   ends ─► heap of (end, session): a session that has grown since goes back in with its new end when it comes up
//   links ─► the treaps' links, by session: made when a key first has two sessions
//   behind ─► heap of (watermark, arrival, row): rows that stood at or behind their own input's watermark
//
// A row is [ts, ts + gap); sessions that touch merge (inclusive of both ends); a row is late iff the session that it
// would make, after merging, had fired. Whether it had is asked of the row's own input's watermark w, so that the
// answer does not depend on how inputs interleave: it is that of reading all inputs in the order of (w, input,
// arrival).
//
// Rows with ts > w + tick touch only sessions that had not fired at w (their end lies above w + tick too), so they
// merge in any order and go in at once. The others wait, lifted into a state row of their own, until every input has
// passed w; then all rows before them are there, what had fired at w has been given out, and they are judged in order.
// A result that they could change has an end above w + tick, so waiting delays none. Rows that lie inside an open
// session change no border and do not wait.
#pragma once

#include <cstdint>
#include <memory>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/simd/rows.h"
#include "window/arena_array.h"
#include "window/kept_rows.h"
#include "window/key_index.h"
#include "window/state_pool.h"

namespace weir {

/// What stands before the accumulators of a session's row.
struct Session {
  std::int64_t start = 0;
  std::int64_t end = 0;  ///< Exclusive: the greatest time and the gap.
  std::uint32_t key : 31 = 0;
  std::uint32_t open : 1 = 0;  ///< It is among its key's sessions and will fire.
  /// The low half of the end that its entry in the heap of ends has: others that name this row are of sessions before.
  std::uint32_t queued_end = 0;
};

/// A batch's rows as the store takes them.
struct SessionRows {
  simd::Rows rows;
  const EventTime* times = nullptr;
  /// Each row's own input's watermark before it; null: every row lies above it by more than a tick.
  const Watermark* watermarks = nullptr;
  const std::uint64_t* arrivals = nullptr;  ///< Each row's RowOrder::arrival, or null: arrival + row number.
  std::uint64_t arrival = 0;
  const Batch* batch = nullptr;  ///< Of the rows, where the store keeps columns of those that wait.
};

/// Thread: the owning shard. Allocates: in the constructor, and from the arena.
class SessionStore {
 public:
  struct Setup {
    const KeyLayout* keys = nullptr;
    const AggregateLayout* aggregates = nullptr;
    StateArena* arena = nullptr;
    std::int64_t gap = 1;
    std::int64_t tick = 1;
    std::uint32_t groups_max = 1u << 20;  ///< Keys, and open sessions with rows that wait.
    std::uint32_t batch_rows = kBatchRowsDefault;
    const KeptRows* kept = nullptr;  ///< Columns of rows that wait, until they are judged; null: none.
  };
  explicit SessionStore(const Setup& setup);

  /// Gives each row the pool row that it is to be added to. Returns how many of the rows wait.
  /// Errors: kLimitExceeded. Cost: a probe a row, O(log sessions of the key) where the row is not in the root session.
  Result<std::uint32_t> assign(BatchKeys& keys, const SessionRows& rows, std::uint32_t* groups);
  /// Combines the sessions that assign() merged. Call it when the rows have been added.
  Result<void> merge_absorbed();

  struct Event {
    enum class Kind : std::uint8_t {
      kNone,     // nothing happens up to the watermark
      kFired,    // `row` is complete and out of the index; give it back with release()
      kSettled,  // a row that waited has been added
      kLate,     // a row that waited is late
    };
    Kind kind = Kind::kNone;
    std::uint32_t row = 0;
    EventTime time = 0;  ///< kLate: of the row, and its own watermark and place.
    Watermark watermark = 0;
    std::uint64_t arrival = 0;
    std::byte* kept = nullptr;  ///< kLate: Setup::kept; to be dropped.
  };
  /// The next event up to the merged watermark, in the order of time. Cost: O(log open) an event.
  Result<Event> next(Watermark watermark);
  /// A fired session's key has been read. Its strings stay until reclaim().
  void leave_key(std::uint32_t row) noexcept;
  void release(std::uint32_t row) noexcept;
  /// Gives back memory that nothing needs. Requires: no fired session is still to be released.
  Result<void> reclaim();

  const Session& session(std::uint32_t row) const noexcept {
    return *reinterpret_cast<const Session*>(pool_.header(row));
  }
  const KeyIndex& keys() const noexcept { return keys_; }
  StatePool& pool() noexcept { return pool_; }
  std::uint32_t open_count() const noexcept { return open_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }
  /// Taken when it was made, beside what is in the arena.
  std::size_t working_bytes() const noexcept { return setup_.batch_rows * sizeof(std::uint32_t); }
  /// Bytes of one key with one session, for explain.
  std::size_t session_bytes() const noexcept { return keys_.key_bytes() + pool_.row_bytes() + sizeof(End); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;
  static constexpr std::uint32_t kKeyMask = 0x7FFFFFFFu;  // groups_max is at most 2^30
  struct KeyState {
    std::uint32_t root;     // kNone - as stored: 0 is none, so that a new key's zeros are right
    std::uint32_t waiting;  // rows of the key that wait
  };
  struct __attribute__((packed, aligned(4))) End {
    std::int64_t end;
    std::uint32_t row;
    friend bool operator<(const End& a, const End& b) noexcept { return a.end < b.end; }
  };
  struct Links {
    std::uint32_t left, right;
  };
  struct Waiting {
    Watermark watermark;
    std::uint64_t arrival;
    std::uint32_t row;
    std::byte* kept;
    friend bool operator<(const Waiting& a, const Waiting& b) noexcept {
      return a.watermark != b.watermark ? a.watermark < b.watermark : a.arrival < b.arrival;
    }
  };
  struct Absorbed {
    std::uint32_t from, into;
  };

  Session& at(std::uint32_t row) noexcept { return *reinterpret_cast<Session*>(pool_.header(row)); }
  KeyState& key_state(std::uint32_t key) noexcept { return *reinterpret_cast<KeyState*>(keys_.payload(key)); }
  std::uint32_t root_of(std::uint32_t key) noexcept { return key_state(key).root - 1; }
  void set_root(std::uint32_t key, std::uint32_t root) noexcept { key_state(key).root = root + 1; }

  Result<std::uint32_t> make(std::uint32_t key, std::int64_t start, std::int64_t end);
  Result<void> open(std::uint32_t key, std::uint32_t row);
  bool queue_end(std::uint32_t row) noexcept;
  bool make_links() noexcept;
  Result<std::uint32_t> join(std::uint32_t key, std::int64_t start, std::int64_t end);
  std::uint32_t touching(std::uint32_t key, std::int64_t start, std::int64_t end) noexcept;
  Result<void> widen(std::uint32_t key, std::uint32_t row, std::int64_t start, std::int64_t end);
  Result<std::uint32_t> put_aside(std::uint32_t key, const SessionRows& rows, std::uint32_t row);
  void drop_kept(std::byte* kept) noexcept {
    if (kept != nullptr) KeptRows::drop(kept, pool_.heap());
  }
  Result<Event> settle(const Waiting& waiting);
  const End* first_end() noexcept;

  // The treap of a key.
  static std::uint32_t priority(std::uint32_t row) noexcept;
  std::uint32_t left(std::uint32_t row) noexcept { return row < links_.size() ? links_[row].left : kNone; }
  std::uint32_t right(std::uint32_t row) noexcept { return row < links_.size() ? links_[row].right : kNone; }
  std::uint32_t last_from(std::uint32_t root, std::int64_t start) noexcept;
  std::uint32_t first_after(std::uint32_t root, std::int64_t start) noexcept;
  void insert(std::uint32_t key, std::uint32_t row) noexcept;
  void remove(std::uint32_t key, std::uint32_t row) noexcept;
  Error full() const;

  Setup setup_;
  KeyIndex keys_;
  StatePool pool_;
  std::unique_ptr<std::uint32_t[]> numbers_;  // each row's key
  ArenaArray<End> ends_;
  ArenaArray<Links> links_;  // rows from its size on have none
  ArenaArray<Waiting> waiting_;
  ArenaArray<Absorbed> absorbed_;
  std::uint32_t open_ = 0;
};

}  // namespace weir
