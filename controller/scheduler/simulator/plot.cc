#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "controller/scheduler/simulator/report.h"

namespace zoe::scheduler::simulator {
namespace {

constexpr int kLeft = 190, kWidth = 560, kRow = 22, kTop = 52;

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 100 ? "%.3g" : "%.0f", value);
  return text;
}

// Logarithmic: policies differ by more than linear bars can show.
struct Scale {
  double least, most;
  double operator()(double value) const {
    const double share = std::log(std::max(value, least) / least) / std::log(most / least);
    return kLeft + kWidth * share;
  }
};

Scale ScaleOf(const std::vector<std::pair<double, double>>& bars) {
  double least = 1e300, most = 0;
  for (const auto& [mean, p95] : bars) {
    least = std::min({least, mean, p95});
    most = std::max({most, mean, p95});
  }
  least = std::pow(10, std::floor(std::log10(std::max(least, 1e-3)) - 0.001));
  return {least, std::max(most * 1.1, least * 10)};
}

void Text(std::ostream& out, double x, double y, const char* anchor, const std::string& text) {
  out << "<text x=\"" << Short(std::round(x)) << "\" y=\"" << y << "\" text-anchor=\"" << anchor
      << "\">" << text << "</text>\n";
}

void Bar(std::ostream& out, const Scale& scale, double value, double y, double height,
         const char* color) {
  char line[160];
  std::snprintf(line, sizeof line,
                "<rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" fill=\"%s\"/>\n", kLeft,
                y, scale(value) - kLeft, height, color);
  out << line;
}

std::string Escape(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return result;
}

}  // namespace

void WritePlot(std::ostream& out, const std::vector<Result>& results, const std::string& title) {
  std::vector<std::pair<double, double>> bars;  // minutes
  for (const Result& result : results) {
    bars.emplace_back(
        OverTraces(result, [](const Outcome& o) { return o.all.turnaround.mean; }).mean / 60,
        OverTraces(result, [](const Outcome& o) { return o.all.turnaround.p95; }).mean / 60);
  }
  const Scale scale = ScaleOf(bars);
  const int bottom = kTop + kRow * static_cast<int>(results.size());
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kLeft + kWidth + 90
      << "\" height=\"" << bottom + 30 << "\" font-family=\"sans-serif\" font-size=\"11\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  Text(out, 10, 16, "start", Escape(title));
  Text(out, 10, 34, "start",
       "Turnaround in minutes, logarithmic: mean (dark) and 95th percentile (light)");
  for (double tick = scale.least; tick <= scale.most; tick *= 10) {
    const double x = std::round(scale(tick));
    out << "<path d=\"M" << x << " " << kTop - 6 << "V" << bottom << "\" stroke=\"#ddd\"/>\n";
    Text(out, x, bottom + 14, "middle", Short(tick));
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const int y = kTop + kRow * static_cast<int>(i);
    const bool ours = results[i].policy.starts_with("zoe-");
    const auto [mean, p95] = bars[i];
    Text(out, kLeft - 6, y + 12, "end", Escape(results[i].policy));
    Bar(out, scale, p95, y, kRow - 6, ours ? "#9cc3e6" : "#d0d0d0");
    Bar(out, scale, mean, y + 3, kRow - 12, ours ? "#1f6fb4" : "#777777");
    Text(out, scale(p95) + 4, y + 12, "start", Short(mean) + " / " + Short(p95));
  }
  out << "</svg>\n";
}

}  // namespace zoe::scheduler::simulator
