// InlineRun: a job that runs in the thread that appends. Each append runs the fragments until nothing is to be done,
// without a loop, a clock or a poll of io around them.
#pragma once

#include <vector>

#include "engine/fragment.h"

namespace weir {

/// Thread: the one that appends.
class InlineRun {
 public:
  void add(Fragment& fragment) { fragments_.push_back(&fragment); }

  /// Runs until nothing is to be done. An append inside a callback of the job only adds its rows: the run that is under
  /// way takes them.
  void run() noexcept {
    again_ = true;
    if (running_) return;
    running_ = true;
    while (again_) {
      again_ = false;
      for (Fragment* fragment : fragments_) {
        if (!fragment->done() && fragment->run() != 0 && !fragment->settled()) again_ = true;
      }
    }
    running_ = false;
  }

 private:
  std::vector<Fragment*> fragments_;
  bool running_ = false;
  bool again_ = false;  // there may be more to do than what the fragments know of
};

}  // namespace weir
