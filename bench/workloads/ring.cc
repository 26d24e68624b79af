// The ring beside those of others: 8-byte items one by one and in runs of 64, and a round trip, hot and with a pause.
//
// Expected. A line from one core to another costs 50 to 150 ns and is the whole cost. In runs of 64 items (8 lines)
// both sides meet once a run: 100 M items/s and more. One by one, a consumer that keeps up turns every item into a
// transfer, about 7 to 20 M/s, unless it waits a moment: Weir's does where it sees a stream (pacing, ring.h). A round
// trip is two transfers of a position and two of an item, in flight together: 1 to 1.5 times the bare line's. Bar: 0.9
// of the best peer of the same setting, and 1.1 times its round trip at most.
#include <algorithm>

#include "limits/limits.h"
#include "peers/peers.h"
#include "weir/core/ring.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

class WeirRing {
 public:
  explicit WeirRing(std::uint64_t capacity) : ring_(Ring<std::uint64_t>::create(capacity).value()) {}
  bool push(std::uint64_t item) { return ring_->try_push(item); }
  bool pop(std::uint64_t& item) { return ring_->try_pop(item); }
  std::uint32_t push_run(const std::uint64_t* items, std::uint32_t count) {
    const auto slots = ring_->claim(count);
    std::copy_n(items, slots.size(), slots.begin());
    if (!slots.empty()) ring_->commit(slots.size());
    return static_cast<std::uint32_t>(slots.size());
  }
  std::uint32_t pop_run(std::uint64_t* items, std::uint32_t count) {
    const auto slots = ring_->peek(count);
    std::copy_n(slots.begin(), slots.size(), items);
    if (!slots.empty()) ring_->release(slots.size());
    return static_cast<std::uint32_t>(slots.size());
  }

 private:
  std::unique_ptr<Ring<std::uint64_t>> ring_;
};

struct Setting {
  const char* name;
  RingRun shape;
};

std::vector<Setting> settings(const Parameters& parameters) {
  RingRun base;
  base.sender_cpu = parameters.cpus[1];
  base.receiver_cpu = parameters.cpus[0];
  std::vector<Setting> all;
  for (const bool pause : {false, true}) {
    RingRun one = base;
    one.pause = pause;
    one.items = parameters.value("ring.items", 50'000'000, 20'000);
    RingRun runs = one;
    runs.run = kRunMax;
    runs.items = parameters.value("ring.run_items", 100'000'000, 20'000);
    RingRun trip = base;
    trip.pause = pause;
    trip.round_trip = true;
    trip.items = parameters.value("ring.rounds", 2'000'000, 500);
    all.push_back({pause ? "one by one, pause" : "one by one, hot", one});
    all.push_back({pause ? "runs of 64, pause" : "runs of 64, hot", runs});
    all.push_back({pause ? "round trip, pause" : "round trip, hot", trip});
  }
  return all;
}

}  // namespace

void run_ring(const Parameters& parameters, Report& report) {
  const RingSubject own = ring_subject<WeirRing>("weir");
  const std::vector<RingSubject> peers = ring_peers();
  for (const Setting& setting : settings(parameters)) {
    std::vector<Run> things = {[&] { return own.run(setting.shape); }};
    for (const RingSubject& peer : peers) things.push_back([&] { return peer.run(setting.shape); });
    const bool trip = setting.shape.round_trip;
    if (trip) {
      things.push_back(
          [&] { return line_round_trip(setting.shape.items, setting.shape.receiver_cpu, setting.shape.sender_cpu); });
    }
    const Turns turns = take_turns(parameters.runs, things);
    std::size_t best = 0;
    std::string all;
    for (std::size_t p = 1; p <= peers.size(); ++p) {
      const double rate = turns.rate(p).median, so_far = best == 0 ? 0 : turns.rate(best).median;
      if (best == 0 || (trip ? rate < so_far : rate > so_far)) best = p;
      char text[64];
      std::snprintf(text, sizeof text, "%s%s %.4g", all.empty() ? "" : ", ", peers[p - 1].name.c_str(), rate);
      all += text;
    }
    const char* unit = trip ? "ns" : "M items/s";
    if (best == 0) {
      report.add({"ring", setting.name, unit, turns.rate(0), "", {}, {}, Bar::kNone, 0});
      report.note("no peer was found when this was built");
      continue;
    }
    report.add({"ring", setting.name, unit, turns.rate(0), peers[best - 1].name, turns.rate(best), turns.ratio(0, best),
                trip ? Bar::kAtMost : Bar::kAtLeast, trip ? 1.1 : 0.9});
    if (trip) all += ", bare line " + std::to_string(static_cast<int>(turns.rate(peers.size() + 1).median));
    report.note(all);
  }
}

}  // namespace weir::bench
