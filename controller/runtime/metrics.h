// Counters, gauges and histograms with Prometheus' text exposition. Lock-free once a series exists.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace zoe {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(double v = 1) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Seconds, in buckets from 1 ms to 60 s.
class Histogram {
 public:
  void Observe(double seconds);
  static const std::vector<double>& Bounds();

 private:
  friend class Metrics;
  std::atomic<uint64_t> buckets_[16]{};
  std::atomic<uint64_t> count_{0};
  std::atomic<double> sum_{0};
};

// Series live as long as the registry. Asking twice for the same name and labels gives the same
// series.
class Metrics {
 public:
  Counter& CounterOf(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& GaugeOf(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& HistogramOf(std::string_view name, std::string_view help, MetricLabels labels = {});
  std::string Exposition() const;  // text format 0.0.4

 private:
  struct Family;
  Family& FamilyOf(std::string_view name, std::string_view help, const char* type);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Family>, std::less<>> families_;
};

}  // namespace zoe
