// Sequence numbers of a feed's sessions: which messages of a packet are new, and how many are missing before it.
// A packet that was seen already (the second line of a redundant feed) gives nothing, so two lines in one capture are
// one stream of messages.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::detail {

class FeedSequences {
 public:
  static constexpr std::size_t kSessionsMax = 64;  ///< More are taken as they come, without a check.
  static constexpr std::size_t kKeyBytes = 16;

  struct Judgement {
    std::uint64_t missing = 0;  ///< Messages that never came, before the packet's first.
    std::uint64_t first = 0;    ///< Number of the first of them.
    std::uint64_t skip = 0;     ///< Of the packet's messages, those seen already.
  };

  /// `key` names the session, at most kKeyBytes of it count. The packet holds [sequence, sequence + count).
  Judgement judge(std::string_view key, std::uint64_t sequence, std::uint64_t count) noexcept {
    Session* const session = find(key);
    if (session == nullptr) return {};
    if (!session->started) {
      session->started = true;
      session->next = sequence + count;
      return {};
    }
    Judgement judged;
    if (sequence > session->next) {
      judged = {sequence - session->next, session->next, 0};
      session->next = sequence + count;
    } else {
      const std::uint64_t seen = session->next - sequence;
      judged.skip = seen < count ? seen : count;
      session->next += count - judged.skip;
    }
    return judged;
  }
  void reset() noexcept {
    used_ = last_ = 0;
    for (Session& session : sessions_) session = {};
  }

 private:
  struct Session {
    char key[kKeyBytes] = {};
    bool started = false;
    std::uint64_t next = 0;
  };

  Session* find(std::string_view key) noexcept {
    char padded[kKeyBytes] = {};
    std::memcpy(padded, key.data(), key.size() < kKeyBytes ? key.size() : kKeyBytes);
    if (used_ != 0 && std::memcmp(sessions_[last_].key, padded, kKeyBytes) == 0) return &sessions_[last_];
    for (std::size_t i = 0; i < used_; ++i) {
      if (std::memcmp(sessions_[i].key, padded, kKeyBytes) != 0) continue;
      last_ = i;
      return &sessions_[i];
    }
    if (used_ == kSessionsMax) return nullptr;
    last_ = used_++;
    std::memcpy(sessions_[last_].key, padded, kKeyBytes);
    return &sessions_[last_];
  }

  std::array<Session, kSessionsMax> sessions_{};
  std::size_t used_ = 0;
  std::size_t last_ = 0;
};

}  // namespace weir::detail
