// Converts watermarks to wall clock. See civil_time.h.
#include "operators/civil_time.h"

#include <utility>

#include "expression/zone.h"

namespace weir {
namespace {

class CivilTime final : public Operator {
 public:
  CivilTime(FragmentContext& context, std::unique_ptr<TimeZone> zone)
      : zone_(std::move(zone)), row_watermarks_(std::make_unique<Watermark[]>(context.batch_rows)) {}

  bool accepts() const noexcept override { return next_->accepts(); }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "civil time"; }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    ledger_.rows_out += count;
    BatchHeader& header = batch.header();
    header.event_time_min = kEventTimeMax;  // not known: wall clocks do not rise with instants
    header.event_time_max = kEventTimeMin;
    header.watermark_before = converted(header.watermark_before);
    header.watermark_after = converted(header.watermark_after);
    if (header.row_watermarks != nullptr) {
      Watermark last = kWatermarkNone, last_converted = kWatermarkNone;
      for (std::uint32_t row = 0; row < batch.row_count(); ++row) {
        const Watermark watermark = header.row_watermarks[row];
        if (watermark != last) {
          last = watermark;
          last_converted = converted(watermark);
        }
        row_watermarks_[row] = last_converted;
      }
      header.row_watermarks = row_watermarks_.get();
    }
    next_->push(batch);
  }

  void control(const Control& control) override {
    Control local = control;
    // A barrier's value is no time.
    if (control.kind != Control::Kind::kBarrier) local.value = converted(control.value);
    next_->control(local);
  }

 private:
  Watermark converted(Watermark watermark) {
    if (watermark == kWatermarkNone || watermark == kWatermarkEnd) return watermark;
    return zone_->complete_until(watermark);
  }

  std::unique_ptr<TimeZone> zone_;
  std::unique_ptr<Watermark[]> row_watermarks_;
};

}  // namespace

Watermark instant_of_civil(TimeZone& zone, Watermark civil) noexcept {
  if (civil == kWatermarkNone || civil == kWatermarkEnd) return civil;
  constexpr std::int64_t kMargin =
      std::int64_t{50} * 3600 * 1'000'000'000;  // zones differ by 26 hours, and one comes twice
  Watermark below = civil < kEventTimeMin + kMargin ? kEventTimeMin : civil - kMargin;
  Watermark least = civil > kEventTimeMax - kMargin ? kEventTimeMax : civil + kMargin;
  while (least - 1 > below) {
    const Watermark middle = below + (least - below) / 2;
    (zone.complete_until(middle) >= civil ? least : below) = middle;
  }
  return least;
}

Result<std::unique_ptr<Operator>> make_civil_time(FragmentContext& context, std::string_view zone) {
  WEIR_ASSIGN(std::unique_ptr<TimeZone> made, TimeZone::make(zone));
  return std::unique_ptr<Operator>(std::make_unique<CivilTime>(context, std::move(made)));
}

}  // namespace weir
