// Writes and draws distributions (distribution.h).
#include "latency/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "latency/ticks.h"

namespace weir::bench {
namespace {

constexpr std::array<double, 7> kPercents = {50, 90, 99, 99.9, 99.99, 99.999, 100};

std::string file_name(const std::string& name) {
  std::string file;
  for (const char c : name) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (kept || (!file.empty() && file.back() != '_')) file += kept ? c : '_';
  }
  return file;
}

/// The columns of HdrHistogram's percentile output: value, percentile, count so far, 1/(1 - percentile).
void write_hgrm(const std::filesystem::path& path, const Histogram& histogram) {
  std::ofstream out(path);
  out << "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  const auto count = static_cast<double>(histogram.count());
  double left = 1;  // above the percentile
  char line[128];
  for (int half = 0; half < 30 && left * count >= 0.5; ++half, left /= 2) {
    for (int step = 0; step < 5; ++step) {
      const double quantile = 1 - left + left / 2 * step / 5;
      std::snprintf(line, sizeof line, "%12.3f %.12f %10.0f %14.2f\n",
                    static_cast<double>(histogram.percentile(quantile * 100)), quantile, std::ceil(quantile * count),
                    1 / (1 - quantile));
      out << line;
    }
  }
  std::snprintf(line, sizeof line, "%12.3f %.12f %10.0f\n", static_cast<double>(histogram.max()), 1.0, count);
  out << line;
  std::snprintf(line, sizeof line, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", histogram.mean(), 0.0);
  out << line;
  std::snprintf(line, sizeof line, "#[Max     = %12.3f, Total count    = %12.0f]\n",
                static_cast<double>(histogram.max()), count);
  out << line << "#[Buckets = 56, SubBuckets     = 128]\n";
}

/// Latency over the number of nines, both logarithmic.
void write_svg(const std::filesystem::path& path, const std::string& title, const std::vector<Distribution>& all) {
  constexpr double kWidth = 760, kHeight = 420, kLeft = 70, kTop = 40, kNines = 5;
  constexpr std::array<const char*, 6> kColours = {"#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#b9770e", "#555555"};
  double least = 1e18, greatest = 1;
  for (const Distribution& one : all) {
    least = std::min(least, std::max(1.0, static_cast<double>(one.histogram->percentile(0))));
    greatest = std::max(greatest, static_cast<double>(one.histogram->max()));
  }
  const double low = std::floor(std::log10(least)), high = std::max(low + 1, std::ceil(std::log10(greatest)));
  const auto x = [&](double nines) { return kLeft + nines / kNines * kWidth; };
  const auto y = [&](double ns) {
    return kTop + kHeight * (1 - (std::log10(std::max(ns, std::pow(10, low))) - low) / (high - low));
  };
  std::ofstream out(path);
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"540\" font-family=\"sans-serif\" "
         "font-size=\"12\">\n<rect width=\"900\" height=\"540\" fill=\"white\"/>\n<text x=\"70\" y=\"24\" "
         "font-size=\"15\">"
      << title << "</text>\n";
  char text[256];
  for (double decade = low; decade <= high; ++decade) {
    const double at = y(std::pow(10, decade));
    std::snprintf(text, sizeof text,
                  "<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"8\" y=\"%.1f\">%s"
                  "</text>\n",
                  kLeft, kLeft + kWidth, at, at, at + 4,
                  decade < 3   ? (std::to_string(static_cast<int>(std::pow(10, decade))) + " ns").c_str()
                  : decade < 6 ? (std::to_string(static_cast<int>(std::pow(10, decade - 3))) + " us").c_str()
                               : (std::to_string(static_cast<int>(std::pow(10, decade - 6))) + " ms").c_str());
    out << text;
  }
  constexpr std::array<const char*, 6> kNames = {"0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"};
  for (std::size_t nines = 0; nines < kNames.size(); ++nines) {
    std::snprintf(text, sizeof text, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n",
                  x(static_cast<double>(nines)), kTop + kHeight + 20, kNames[nines]);
    out << text;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    out << "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" << colour << "\" points=\"";
    for (double nines = 0; nines <= kNines; nines += 0.05) {
      const double percent = 100 * (1 - std::pow(10, -nines));
      std::snprintf(text, sizeof text, "%.1f,%.1f ", x(nines),
                    y(static_cast<double>(all[i].histogram->percentile(percent))));
      out << text;
    }
    std::snprintf(text, sizeof text, "\"/>\n<text x=\"%.0f\" y=\"%.0f\" fill=\"%s\">%s</text>\n", kLeft + 10,
                  kTop + 16 + 16 * static_cast<double>(i), colour, all[i].name.c_str());
    out << text;
  }
  out << "</svg>\n";
}

}  // namespace

std::string percentiles_text(const Histogram& histogram) {
  std::string text;
  char part[64];
  for (const double percent : kPercents) {
    if (percent == 100) {
      std::snprintf(part, sizeof part, ", max %lld ns", static_cast<long long>(histogram.max()));
    } else {
      std::snprintf(part, sizeof part, "%sp%g %lld", text.empty() ? "" : ", ", percent,
                    static_cast<long long>(histogram.percentile(percent)));
    }
    text += part;
  }
  return text;
}

void show_distributions(const Parameters& parameters, Report& report, const std::string& file,
                        const std::vector<Distribution>& all) {
  for (const Distribution& one : all) report.note(one.name + ": " + percentiles_text(*one.histogram));
  if (parameters.out_folder.empty()) return;
  const std::filesystem::path folder(parameters.out_folder);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  for (const Distribution& one : all) write_hgrm(folder / (file + "." + file_name(one.name) + ".hgrm"), *one.histogram);
  write_svg(folder / (file + ".svg"), file, all);
  report.note("written to " + (folder / (file + ".svg")).string() + " and .hgrm beside it");
}

Schedule Schedule::from_now(double events_per_second) noexcept {
  Schedule schedule;
  schedule.interval = 1e9 / events_per_second / tick_ns();
  schedule.start = ticks_now() + static_cast<std::uint64_t>(20'000 / tick_ns());
  return schedule;
}

}  // namespace weir::bench
