#include "controller/scheduler/simulator/trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <map>
#include <ostream>
#include <set>

#include "specs/meta/quantity.h"

namespace zoe::scheduler::simulator {
namespace {

constexpr const char* kColumns[] = {"id",        "user",     "class",    "priority",
                                    "submitted", "duration", "declared", "total",
                                    "essential", "cpu",      "memory"};
constexpr const char* kRequired[] = {"id", "submitted", "duration", "cpu", "memory"};
constexpr double kMostSeconds = 1e9;  // thirty years

Error Invalid(const std::string& message) { return {Code::kInvalid, "BadTrace", message}; }

std::vector<std::string> Split(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else if (c != ' ' && c != '\t') {
      cells.back() += c;
    }
  }
  return cells;
}

Expected<int32_t> Integer(const std::string& text, int32_t least, int32_t most) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return Invalid("\"" + text + "\" is no whole number from " + std::to_string(least) + " to " +
                   std::to_string(most));
  }
  return value;
}

Expected<Duration> Seconds(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !(value >= 0) || value > kMostSeconds) {
    return Invalid("\"" + text + "\" is no number of seconds from 0 to 1e9");
  }
  return Duration(std::llround(value * 1000));
}

Expected<int64_t> Amount(const std::string& text, bool cpu) {
  ZOE_ASSIGN(const Quantity quantity, Quantity::Parse(text));
  if (quantity.milli() <= 0) return Invalid("must be more than 0");
  return cpu ? quantity.milli() * 1'000'000 : quantity.whole();
}

Expected<Class> ParseClass(const std::string& text) {
  for (int i = 0; i < kClasses; ++i) {
    if (text == ClassName(static_cast<Class>(i))) return static_cast<Class>(i);
  }
  return Invalid("\"" + text + "\" is none of elastic, rigid, interactive");
}

// One line's cells by the names of their columns.
class Row {
 public:
  Row(const std::vector<std::string>& columns, std::vector<std::string> cells) {
    for (size_t i = 0; i < columns.size(); ++i) cells_[columns[i]] = std::move(cells[i]);
  }
  const std::string& operator[](const std::string& column) { return cells_[column]; }

  template <class T, class Read>
  Expected<void> Get(const std::string& column, T& to, Read read) {
    if (cells_[column].empty()) return {};  // not told: the default
    auto value = read(cells_[column]);
    if (!value.ok()) return Invalid(column + ": " + value.error().message);
    to = *std::move(value);
    return {};
  }

 private:
  std::map<std::string, std::string> cells_;
};

Expected<TraceJob> ReadJob(Row row) {
  TraceJob job;
  for (const char* column : kRequired) {
    if (row[column].empty()) return Invalid(std::string(column) + ": missing");
  }
  constexpr int32_t kMost = 100'000;
  job.id = row["id"];
  if (!row["user"].empty()) job.user = row["user"];
  const auto number = [](int32_t least, int32_t most) {
    return [=](const std::string& text) { return Integer(text, least, most); };
  };
  ZOE_TRY(row.Get("priority", job.priority, number(-1'000'000, 1'000'000)));
  ZOE_TRY(row.Get("submitted", job.submitted, Seconds));
  ZOE_TRY(row.Get("duration", job.duration, Seconds));
  if (job.duration.count() < 1) return Invalid("duration: must be at least 0.001");
  job.declared = job.duration;
  ZOE_TRY(row.Get("declared", job.declared, Seconds));
  if (job.declared.count() < 1) return Invalid("declared: must be at least 0.001");
  ZOE_TRY(row.Get("total", job.total, number(1, kMost)));
  job.essential = job.total;
  ZOE_TRY(row.Get("essential", job.essential, number(1, kMost)));
  if (job.essential > job.total) return Invalid("essential: must not be more than total");
  ZOE_TRY(
      row.Get("cpu", job.request.cpu_nano, [](const auto& text) { return Amount(text, true); }));
  ZOE_TRY(row.Get("memory", job.request.memory_bytes,
                  [](const auto& text) { return Amount(text, false); }));
  job.kind = job.essential < job.total ? Class::kElastic : Class::kRigid;
  ZOE_TRY(row.Get("class", job.kind, ParseClass));
  return job;
}

Expected<void> CheckColumns(const std::vector<std::string>& columns) {
  std::set<std::string> seen;
  for (const std::string& column : columns) {
    if (std::find(std::begin(kColumns), std::end(kColumns), column) == std::end(kColumns)) {
      return Invalid("no such column: \"" + column + "\"");
    }
    if (!seen.insert(column).second) return Invalid("column " + column + " stands there twice");
  }
  for (const char* column : kRequired) {
    if (!seen.contains(column)) return Invalid("column " + std::string(column) + " is missing");
  }
  return {};
}

std::string Decimal(int64_t thousandths) {
  std::string text = std::to_string(thousandths / 1000);
  if (const int64_t rest = thousandths % 1000; rest != 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
  }
  return text;
}

}  // namespace

const char* ClassName(Class value) {
  switch (value) {
    case Class::kElastic:
      return "elastic";
    case Class::kRigid:
      return "rigid";
    case Class::kInteractive:
      return "interactive";
  }
  return "";
}

Expected<std::vector<TraceJob>> ReadTrace(std::istream& in, const std::string& name) {
  std::vector<TraceJob> jobs;
  std::vector<std::string> columns;
  std::set<std::string> ids;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const auto failed = [&](const std::string& message) {
      return Invalid(name + ":" + std::to_string(number) + ": " + message);
    };
    std::vector<std::string> cells = Split(line);
    if ((cells.size() == 1 && cells[0].empty()) || line[0] == '#') continue;
    if (columns.empty()) {
      if (const auto checked = CheckColumns(cells); !checked)
        return failed(checked.error().message);
      columns = std::move(cells);
      continue;
    }
    if (cells.size() != columns.size()) {
      return failed(std::to_string(cells.size()) + " cells under " +
                    std::to_string(columns.size()) + " columns");
    }
    auto job = ReadJob(Row(columns, std::move(cells)));
    if (!job.ok()) return failed(job.error().message);
    if (!ids.insert(job->id).second) return failed("id: " + job->id + " stands there twice");
    jobs.push_back(*std::move(job));
  }
  if (jobs.empty()) return Invalid(name + ": no jobs");
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const auto& a, const auto& b) { return a.submitted < b.submitted; });
  return jobs;
}

void WriteTrace(std::ostream& out, const std::vector<TraceJob>& jobs) {
  for (const char* column : kColumns) out << (column == kColumns[0] ? "" : ",") << column;
  out << "\n";
  for (const TraceJob& job : jobs) {
    out << job.id << "," << job.user << "," << ClassName(job.kind) << "," << job.priority << ","
        << Decimal(job.submitted.count()) << "," << Decimal(job.duration.count()) << ","
        << Decimal(job.declared.count()) << "," << job.total << "," << job.essential << ","
        << job.request.cpu_nano / 1'000'000 << "m," << job.request.memory_bytes << "\n";
  }
}

bool Fits(const TraceJob& job, const Machines& machines) {
  const int64_t each = std::min(machines.each.cpu_nano / job.request.cpu_nano,
                                machines.each.memory_bytes / job.request.memory_bytes);
  return each * machines.count >= job.total;
}

}  // namespace zoe::scheduler::simulator
