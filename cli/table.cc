#include "cli/table.h"

#include <algorithm>

namespace zoe::cli {

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\f') return line + "...";
    if (static_cast<unsigned char>(c) < 0x20) {
      line += '^';
      line += static_cast<char>(c + '@');
    } else if (c != 0x7f) {
      line += c;
    }
  }
  return line;
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

Table::Table(std::vector<std::string> headers, size_t gap, size_t least)
    : gap_(gap), least_(least) {
  if (!headers.empty()) rows_.push_back(std::move(headers));
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = OneLine(cell);
  rows_.push_back(std::move(row));
}

void Table::Flush(std::ostream& out, std::string_view indent) {
  for (const auto& row : rows_) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths_[i] = std::max({widths_[i], Width(row[i]) + gap_, least_});
  }
  for (const auto& row : rows_) {
    out << indent;
    for (size_t i = 0; i < row.size(); ++i) {
      out << row[i];
      if (i + 1 < row.size()) out << std::string(widths_[i] - Width(row[i]), ' ');
    }
    out << '\n';
  }
  rows_.clear();
}

}  // namespace zoe::cli
