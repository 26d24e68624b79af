// The limit of record and replay: a file copied by io_uring alone, eight registered buffers of 256 KiB in flight, each
// read and then written.
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "limits/limits.h"

namespace weir::bench {
namespace {

constexpr unsigned kSlots = 8;
constexpr std::size_t kChunk = 262144;

struct Slot {
  std::uint64_t offset = 0;
  unsigned size = 0;
  bool writing = false;
};

class Copy {
 public:
  Copy(const std::string& from, const std::string& to)
      : from_(::open(from.c_str(), O_RDONLY | O_CLOEXEC)),
        to_(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)),
        memory_(static_cast<char*>(std::aligned_alloc(4096, kSlots * kChunk))) {
    struct stat found {};
    if (from_ < 0 || to_ < 0 || memory_ == nullptr || ::fstat(from_, &found) != 0) return;
    size_ = static_cast<std::uint64_t>(found.st_size);
    if (::io_uring_queue_init(2 * kSlots, &ring_, 0) != 0) return;
    made_ = true;
    std::vector<iovec> buffers;
    for (unsigned i = 0; i < kSlots; ++i) buffers.push_back({memory_ + i * kChunk, kChunk});
    registered_ = ::io_uring_register_buffers(&ring_, buffers.data(), kSlots) == 0;
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() {
    if (made_) ::io_uring_queue_exit(&ring_);
    ::close(from_);
    ::close(to_);
    std::free(memory_);
  }

  bool run() {
    if (!made_) return false;
    for (unsigned i = 0; i < kSlots; ++i) start(i);
    while (in_flight_ != 0) {
      ::io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* cqe = nullptr;
      while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
        const auto index = static_cast<unsigned>(cqe->user_data);
        const int result = cqe->res;
        ::io_uring_cqe_seen(&ring_, cqe);
        --in_flight_;
        Slot& slot = slots_[index];
        if (result != static_cast<int>(slot.size)) return false;
        if (slot.writing) {
          copied_ += slot.size;
          start(index);
        } else {
          slot.writing = true;
          submit(index);
        }
      }
    }
    return copied_ == size_;
  }

 private:
  void start(unsigned index) {
    if (next_ == size_) return;
    const std::uint64_t left = size_ - next_;
    slots_[index] = {next_, static_cast<unsigned>(left < kChunk ? left : kChunk), false};
    next_ += slots_[index].size;
    submit(index);
  }
  void submit(unsigned index) {
    const Slot& slot = slots_[index];
    char* const at = memory_ + index * kChunk;
    io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_);
    const int buffer = static_cast<int>(index);
    if (slot.writing && registered_) ::io_uring_prep_write_fixed(sqe, to_, at, slot.size, slot.offset, buffer);
    if (slot.writing && !registered_) ::io_uring_prep_write(sqe, to_, at, slot.size, slot.offset);
    if (!slot.writing && registered_) ::io_uring_prep_read_fixed(sqe, from_, at, slot.size, slot.offset, buffer);
    if (!slot.writing && !registered_) ::io_uring_prep_read(sqe, from_, at, slot.size, slot.offset);
    sqe->user_data = index;
    ++in_flight_;
  }

  int from_, to_;
  char* memory_;
  io_uring ring_{};
  bool made_ = false, registered_ = false;
  Slot slots_[kSlots];
  std::uint64_t size_ = 0, next_ = 0, copied_ = 0;
  unsigned in_flight_ = 0;
};

}  // namespace

bool copy_file(const std::string& from, const std::string& to) {
  return Copy(from, to).run();
}

}  // namespace weir::bench
