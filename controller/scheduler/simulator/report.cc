#include "controller/scheduler/simulator/report.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

namespace zoe::scheduler::simulator {
namespace {

std::string Number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// Three digits are enough to compare.
std::string Minutes(double seconds) {
  const double minutes = seconds / 60;
  return Number(minutes, minutes < 9.995 ? 2 : minutes < 99.95 ? 1 : 0);
}

std::string Ratio(double value) { return Number(value, value < 99.95 ? 2 : 0); }

std::string Range(const Over& over) {
  if (over.least == over.most) return Minutes(over.mean);
  return Minutes(over.mean) + " (" + Minutes(over.least) + "-" + Minutes(over.most) + ")";
}

template <class Value>
Over Collect(const Result& result, Value value) {
  Over over{0, 0, 0};
  for (size_t i = 0; i < result.outcomes.size(); ++i) {
    const double v = value(result.outcomes[i]);
    over.mean += v / static_cast<double>(result.outcomes.size());
    over.least = i == 0 ? v : std::min(over.least, v);
    over.most = i == 0 ? v : std::max(over.most, v);
  }
  return over;
}

// All jobs where `only` is none.
const Measures& Of(const Outcome& outcome, std::optional<Class> only) {
  return only ? outcome.of_class[static_cast<int>(*only)] : outcome.all;
}

void WriteTable(std::ostream& out, const std::vector<Result>& results, std::optional<Class> only) {
  out << "| policy | turnaround mean | median | 95th | queueing mean | median | 95th | most "
         "| slowdown mean | median | 95th |"
      << (only ? "" : " cpu | memory | taken |")
      << "\n|---|---|---|---|---|---|---|---|---|---|---|" << (only ? "" : "---|---|---|") << "\n";
  for (const Result& result : results) {
    const auto minutes = [&](double Spread::*part, Spread Measures::*what) {
      return Minutes(
          Collect(result, [&](const Outcome& o) { return Of(o, only).*what.*part; }).mean);
    };
    const auto range = [&](double Spread::*part) {
      return Range(Collect(result, [&](const Outcome& o) { return Of(o, only).turnaround.*part; }));
    };
    const auto ratio = [&](double Spread::*part) {
      return Ratio(
          Collect(result, [&](const Outcome& o) { return Of(o, only).slowdown.*part; }).mean);
    };
    out << "| " << result.policy << " | " << range(&Spread::mean) << " | "
        << minutes(&Spread::median, &Measures::turnaround) << " | " << range(&Spread::p95) << " | "
        << minutes(&Spread::mean, &Measures::queueing) << " | "
        << minutes(&Spread::median, &Measures::queueing) << " | "
        << minutes(&Spread::p95, &Measures::queueing) << " | "
        << minutes(&Spread::most, &Measures::queueing) << " | " << ratio(&Spread::mean) << " | "
        << ratio(&Spread::median) << " | " << ratio(&Spread::p95) << " |";
    if (!only) {
      out << " " << Number(100 * Collect(result, [](const Outcome& o) { return o.cpu; }).mean, 1)
          << " % | "
          << Number(100 * Collect(result, [](const Outcome& o) { return o.memory; }).mean, 1)
          << " % | "
          << Number(
                 Collect(result,
                         [](const Outcome& o) { return static_cast<double>(o.taken) / o.all.jobs; })
                     .mean,
                 2)
          << " |";
    }
    out << "\n";
  }
}

int32_t Jobs(const std::vector<Result>& results, std::optional<Class> only) {
  int32_t jobs = 0;
  for (const Outcome& outcome : results.front().outcomes) jobs += Of(outcome, only).jobs;
  return jobs;
}

}  // namespace

Over OverTraces(const Result& result, double (*value)(const Outcome&)) {
  return Collect(result, value);
}

void WriteTables(std::ostream& out, const std::vector<Result>& results) {
  out << "All " << Jobs(results, std::nullopt) << " jobs:\n\n";
  WriteTable(out, results, std::nullopt);
  for (int i = 0; i < kClasses; ++i) {
    const auto kind = static_cast<Class>(i);
    const int32_t jobs = Jobs(results, kind);
    if (jobs == 0) continue;
    out << "\nThe " << jobs << " " << ClassName(kind) << " jobs:\n\n";
    WriteTable(out, results, kind);
  }
}

void WriteCsv(std::ostream& out, const std::vector<Result>& results,
              const std::vector<std::string>& traces) {
  out << "policy,trace,class,jobs";
  for (const char* what : {"turnaround", "queueing", "slowdown"}) {
    for (const char* part : {"mean", "median", "p95", "max"}) out << "," << what << "_" << part;
  }
  out << ",cpu,memory,restarts,taken\n";
  for (const Result& result : results) {
    for (size_t t = 0; t < result.outcomes.size(); ++t) {
      const Outcome& outcome = result.outcomes[t];
      for (int i = -1; i < kClasses; ++i) {
        const Measures& m = i < 0 ? outcome.all : outcome.of_class[i];
        if (m.jobs == 0) continue;
        out << result.policy << "," << traces[t] << ","
            << (i < 0 ? "all" : ClassName(static_cast<Class>(i))) << "," << m.jobs;
        for (const Spread* spread : {&m.turnaround, &m.queueing, &m.slowdown}) {
          for (const double v : {spread->mean, spread->median, spread->p95, spread->most}) {
            out << "," << Number(v, 3);
          }
        }
        out << "," << Number(outcome.cpu, 4) << "," << Number(outcome.memory, 4) << ","
            << outcome.restarts << "," << outcome.taken << "\n";
      }
    }
  }
}

}  // namespace zoe::scheduler::simulator
