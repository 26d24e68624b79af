// SmallDisk: a file system in memory with a size of its own, for tests of full disks. Mounting takes rights that not
// every machine gives: such tests are skipped where mounted() is false.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace weir::test {

/// Mounted over a folder that is there, by options of tmpfs ("size=64k,nr_inodes=2"); gone at its end.
class SmallDisk {
 public:
  SmallDisk(std::string path, const char* options) : path_(std::move(path)) {
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, options) == 0;
    if (!mounted_) why_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  /// Options such as a new size. False: errno says why.
  bool resize(const char* options) { return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, options) == 0; }
  bool mounted() const noexcept { return mounted_; }
  const std::string& path() const noexcept { return path_; }
  const std::string& why() const noexcept { return why_; }

 private:
  std::string path_, why_;
  bool mounted_ = false;
};

}  // namespace weir::test
