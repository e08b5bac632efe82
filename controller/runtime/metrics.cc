#include "controller/runtime/metrics.h"

#include <charconv>
#include <cmath>

namespace zoe {
namespace {

constexpr size_t kBounds = 15;  // the sixteenth bucket is +Inf

std::string Number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v);
  return std::string(buffer, end.ptr);
}

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

// `a="1",b="2"`: both the series' identity and its text.
std::string LabelText(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    text += name;
    text += "=\"";
    AppendEscaped(text, value, true);
    text += '"';
  }
  return text;
}

void AppendSample(std::string& out, std::string_view name, std::string_view labels, double value) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
  out += Number(value);
  out += '\n';
}

}  // namespace

const std::vector<double>& Histogram::Bounds() {
  static const std::vector<double> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                             0.5,   1,      2.5,   5,    10,    30,   60};
  return bounds;
}

void Histogram::Observe(double seconds) {
  const std::vector<double>& bounds = Bounds();
  size_t i = 0;
  while (i < kBounds && seconds > bounds[i]) ++i;
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(seconds, std::memory_order_relaxed);
}

struct Metrics::Family {
  struct Series {
    Counter counter;
    Gauge gauge;
    Histogram histogram;
  };
  std::string help;
  std::string_view type;
  std::map<std::string, Series> series;  // by label text; nodes never move
};

Metrics::Family& Metrics::FamilyOf(std::string_view name, std::string_view help, const char* type) {
  const auto found = families_.find(name);
  if (found != families_.end()) return *found->second;
  auto family = std::make_shared<Family>();
  family->help = help;
  family->type = type;
  return *families_.emplace(name, std::move(family)).first->second;
}

Counter& Metrics::CounterOf(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  return FamilyOf(name, help, "counter").series[LabelText(labels)].counter;
}

Gauge& Metrics::GaugeOf(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  return FamilyOf(name, help, "gauge").series[LabelText(labels)].gauge;
}

Histogram& Metrics::HistogramOf(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  return FamilyOf(name, help, "histogram").series[LabelText(labels)].histogram;
}

std::string Metrics::Exposition() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + " ";
    AppendEscaped(out, family->help, false);
    out += "\n# TYPE " + name + " ";
    out += family->type;
    out += '\n';
    for (const auto& [labels, series] : family->series) {
      if (family->type == "counter") {
        AppendSample(out, name, labels, series.counter.value());
        continue;
      }
      if (family->type == "gauge") {
        AppendSample(out, name, labels, series.gauge.value());
        continue;
      }
      const Histogram& histogram = series.histogram;
      const std::string prefix = labels.empty() ? "" : labels + ",";
      uint64_t below = 0;
      for (size_t i = 0; i <= kBounds; ++i) {
        below += histogram.buckets_[i].load(std::memory_order_relaxed);
        const std::string bound = i < kBounds ? Number(Histogram::Bounds()[i]) : "+Inf";
        AppendSample(out, name + "_bucket", prefix + "le=\"" + bound + "\"",
                     static_cast<double>(below));
      }
      AppendSample(out, name + "_sum", labels, histogram.sum_.load(std::memory_order_relaxed));
      // The sum of the buckets, so that one answer never contradicts itself.
      AppendSample(out, name + "_count", labels, static_cast<double>(below));
    }
  }
  return out;
}

}  // namespace zoe
