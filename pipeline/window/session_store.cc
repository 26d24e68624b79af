// Opens, merges and fires sessions. See session_store.h.
#include "window/session_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "weir/simd/hash.h"

namespace weir {

SessionStore::SessionStore(const Setup& setup)
    : setup_(setup),
      keys_({setup.keys, setup.arena, setup.groups_max, sizeof(KeyState)}),
      pool_({setup.aggregates, setup.arena, setup.groups_max, sizeof(Session)}),
      numbers_(std::make_unique<std::uint32_t[]>(setup.batch_rows)),
      ends_(*setup.arena),
      links_(*setup.arena),
      waiting_(*setup.arena),
      absorbed_(*setup.arena) {}

Error SessionStore::full() const {
  return Error(ErrorCode::kLimitExceeded, "the open sessions do not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, or use more shards");
}

// ---- Taking rows ------------------------------------------------------------------------------------------------

Result<std::uint32_t> SessionStore::assign(BatchKeys& keys, const SessionRows& rows, std::uint32_t* groups) {
  WEIR_TRY(keys_.find_or_insert(keys, rows.rows, numbers_.get()));
  std::uint32_t aside = 0;
  for (std::uint32_t i = 0; i < rows.rows.count; ++i) {
    const std::uint32_t row = rows.rows[i];
    const std::uint32_t key = numbers_[row];
    const EventTime time = rows.times[row];
    if (rows.watermarks == nullptr || time - setup_.tick > rows.watermarks[row]) {
      WEIR_ASSIGN(groups[row], join(key, time, time + setup_.gap));
      continue;
    }
    const Watermark watermark = rows.watermarks[row];
    const std::uint32_t around = last_from(root_of(key), time);
    const bool inside =
        around != kNone && time + setup_.gap <= at(around).end && at(around).end - setup_.tick > watermark;
    if (inside) {
      groups[row] = around;
      continue;
    }
    WEIR_ASSIGN(groups[row], put_aside(key, rows, row));
    ++aside;
  }
  return aside;
}

Result<std::uint32_t> SessionStore::make(std::uint32_t key, std::int64_t start, std::int64_t end) {
  WEIR_ASSIGN(const std::uint32_t row, pool_.take());
  Session& session = at(row);
  session.start = start;
  session.end = end;
  session.key = key & kKeyMask;
  session.open = 0;
  if (row < links_.size()) links_[row] = {kNone, kNone};
  return row;
}

/// Puts a made row among its key's sessions and those that will fire.
Result<void> SessionStore::open(std::uint32_t key, std::uint32_t row) {
  if (root_of(key) != kNone && !make_links()) return full();
  if (!queue_end(row)) return full();
  at(row).open = 1;
  insert(key, row);
  ++open_;
  return {};
}

/// Puts an entry among the ends, which is the session's own from then on.
bool SessionStore::queue_end(std::uint32_t row) noexcept {
  const std::int64_t end = at(row).end;
  at(row).queued_end = static_cast<std::uint32_t>(static_cast<std::uint64_t>(end));
  return ends_.push_heap({end, row});
}

/// Gives links to all rows that there are.
bool SessionStore::make_links() noexcept {
  while (links_.size() < pool_.row_end())
    if (!links_.push({kNone, kNone})) return false;
  return true;
}

Result<std::uint32_t> SessionStore::put_aside(std::uint32_t key, const SessionRows& rows, std::uint32_t row) {
  const EventTime time = rows.times[row];
  const std::uint64_t arrival = rows.arrivals != nullptr ? rows.arrivals[row] : rows.arrival + row;
  WEIR_ASSIGN(const std::uint32_t made, make(key, time, time + setup_.gap));
  std::byte* kept = nullptr;
  if (setup_.kept != nullptr && (kept = setup_.kept->keep(*rows.batch, row, pool_.heap())) == nullptr) return full();
  if (!waiting_.push_heap({rows.watermarks[row], arrival, made, kept})) return full();
  ++key_state(key).waiting;
  return made;
}

/// The first session of the key that [start, end) touches, or kNone.
std::uint32_t SessionStore::touching(std::uint32_t key, std::int64_t start, std::int64_t end) noexcept {
  const std::uint32_t root = root_of(key);
  const std::uint32_t before = last_from(root, start);
  if (before != kNone && at(before).end >= start) return before;
  const std::uint32_t after = first_after(root, start);
  return after != kNone && at(after).start <= end ? after : kNone;
}

Result<std::uint32_t> SessionStore::join(std::uint32_t key, std::int64_t start, std::int64_t end) {
  const std::uint32_t root = root_of(key);
  if (root != kNone && at(root).start <= start && end <= at(root).end) return root;
  const std::uint32_t touched = touching(key, start, end);
  if (touched != kNone) {
    WEIR_TRY(widen(key, touched, start, end));
    return touched;
  }
  WEIR_ASSIGN(const std::uint32_t made, make(key, start, end));
  WEIR_TRY(open(key, made));
  return made;
}

/// The session takes [start, end) in, and the sessions behind it that it then touches.
Result<void> SessionStore::widen(std::uint32_t key, std::uint32_t row, std::int64_t start, std::int64_t end) {
  Session& session = at(row);
  session.start = std::min(session.start, start);  // still behind the session before it, which was not touched
  if (end <= session.end) return {};
  while (true) {
    const std::uint32_t next = first_after(root_of(key), session.start);
    if (next == kNone || at(next).start > end) break;
    end = std::max(end, at(next).end);
    remove(key, next);
    --open_;
    at(next).open = 0;  // its place among the ends is void
    if (!absorbed_.push({next, row})) return full();
  }
  session.end = end;
  return {};
}

Result<void> SessionStore::merge_absorbed() {
  // In the order in which they were absorbed: what took one in may itself have been taken in later.
  for (const Absorbed& absorbed : absorbed_) {
    WEIR_TRY(combine_row(*setup_.aggregates, pool_.state(absorbed.into), pool_.state(absorbed.from), pool_.memory()));
    pool_.give_back(absorbed.from);
  }
  absorbed_.clear();
  return {};
}

// ---- Firing -----------------------------------------------------------------------------------------------------

/// The session that ends first, as far as that is known: entries of merged and grown sessions are put right.
const SessionStore::End* SessionStore::first_end() noexcept {
  while (!ends_.empty()) {
    const End& first = ends_[0];
    const Session& session = at(first.row);
    const bool open = first.row < pool_.row_end() && session.open != 0;
    if (open && session.end == first.end) return &first;
    const End old = ends_.pop_heap();
    const bool own = open && session.queued_end == static_cast<std::uint32_t>(static_cast<std::uint64_t>(old.end));
    if (own) (void)queue_end(old.row);  // in the place that has become free
  }
  return nullptr;
}

Result<SessionStore::Event> SessionStore::next(Watermark watermark) {
  const bool waits = !waiting_.empty() && waiting_[0].watermark < watermark;
  const Watermark limit = waits ? waiting_[0].watermark : watermark;
  const End* first = first_end();
  if (first != nullptr && first->end - setup_.tick <= limit) {
    const std::uint32_t row = ends_.pop_heap().row;
    remove(at(row).key, row);
    at(row).open = 0;
    --open_;
    return Event{Event::Kind::kFired, row, 0, 0, 0};
  }
  if (waits) return settle(waiting_.pop_heap());
  return Event{};
}

/// Every row before this one is there and what had fired at its watermark is out: judge it.
Result<SessionStore::Event> SessionStore::settle(const Waiting& waiting) {
  const std::uint32_t row = waiting.row;
  const Session session = at(row);
  --key_state(session.key).waiting;
  const std::uint32_t touched = touching(session.key, session.start, session.end);
  if (touched != kNone || session.end - setup_.tick > waiting.watermark) drop_kept(waiting.kept);
  if (touched != kNone) {
    WEIR_TRY(widen(session.key, touched, session.start, session.end));
    if (!absorbed_.push({row, touched})) return full();
    WEIR_TRY(merge_absorbed());
    return Event{Event::Kind::kSettled, 0, 0, 0, 0};
  }
  if (session.end - setup_.tick > waiting.watermark) {
    WEIR_TRY(open(session.key, row));
    return Event{Event::Kind::kSettled, 0, 0, 0, 0};
  }
  leave_key(row);
  release(row);
  return Event{Event::Kind::kLate, 0, session.start, waiting.watermark, waiting.arrival, waiting.kept};
}

void SessionStore::leave_key(std::uint32_t row) noexcept {
  const std::uint32_t key = at(row).key;
  const KeyState& state = key_state(key);
  if (state.root == 0 && state.waiting == 0) keys_.erase(key);
}

void SessionStore::release(std::uint32_t row) noexcept {
  pool_.give_back(row);
}

Result<void> SessionStore::reclaim() {
  if (open_ == 0 && waiting_.empty()) {
    ends_.free();
    links_.free();
    waiting_.free();
    absorbed_.free();
  }
  WEIR_TRY(pool_.reclaim());
  return keys_.reclaim();
}

// ---- The treap of a key -----------------------------------------------------------------------------------------

std::uint32_t SessionStore::priority(std::uint32_t row) noexcept {
  return static_cast<std::uint32_t>(simd::hash_u64(row) >> 32);
}

std::uint32_t SessionStore::last_from(std::uint32_t root, std::int64_t start) noexcept {
  std::uint32_t found = kNone;
  for (std::uint32_t row = root; row != kNone;) {
    if (at(row).start <= start) {
      found = row;
      row = right(row);
    } else {
      row = left(row);
    }
  }
  return found;
}

std::uint32_t SessionStore::first_after(std::uint32_t root, std::int64_t start) noexcept {
  std::uint32_t found = kNone;
  for (std::uint32_t row = root; row != kNone;) {
    if (at(row).start > start) {
      found = row;
      row = left(row);
    } else {
      row = right(row);
    }
  }
  return found;
}

void SessionStore::insert(std::uint32_t key, std::uint32_t row) noexcept {
  const std::uint32_t own = priority(row);
  const std::int64_t start = at(row).start;
  std::uint32_t root = root_of(key);
  if (root == kNone) return set_root(key, row);
  std::uint32_t* link = &root;
  while (*link != kNone && priority(*link) >= own)
    link = at(*link).start < start ? &links_[*link].right : &links_[*link].left;
  // The subtree that it displaces is split into what starts before it and after it.
  std::uint32_t rest = *link;
  *link = row;
  std::uint32_t* before = &links_[row].left;
  std::uint32_t* behind = &links_[row].right;
  while (rest != kNone) {
    if (at(rest).start < start) {
      *before = rest;
      before = &links_[rest].right;
      rest = *before;
    } else {
      *behind = rest;
      behind = &links_[rest].left;
      rest = *behind;
    }
  }
  *before = *behind = kNone;
  set_root(key, root);
}

void SessionStore::remove(std::uint32_t key, std::uint32_t row) noexcept {
  const std::int64_t start = at(row).start;
  std::uint32_t root = root_of(key);
  std::uint32_t* link = &root;
  while (*link != row) link = at(*link).start < start ? &links_[*link].right : &links_[*link].left;
  std::uint32_t before = left(row);
  std::uint32_t behind = right(row);
  while (before != kNone && behind != kNone) {
    if (priority(before) >= priority(behind)) {
      *link = before;
      link = &links_[before].right;
      before = *link;
    } else {
      *link = behind;
      link = &links_[behind].left;
      behind = *link;
    }
  }
  *link = before != kNone ? before : behind;
  set_root(key, root);
}

}  // namespace weir
