// Text in columns, as kubectl's `get` prints it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace zoe::cli {

// Cells are separated by at least `gap` spaces, a column is at least `least` wide with them; the
// last column is not padded. A cell's text ends at its first line break, and control characters are
// shown as ^X.
class Table {
 public:
  explicit Table(std::vector<std::string> headers, size_t gap = 3, size_t least = 6);
  void Add(std::vector<std::string> row);
  bool empty() const { return rows_.empty(); }
  // Writes the rows added since the last call, headers before the first. Columns only grow, so a
  // watch stays aligned.
  void Flush(std::ostream& out, std::string_view indent = {});

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> widths_;
  size_t gap_, least_;
};

// One line, safe for a terminal: control characters as ^X, cut at the first line break.
std::string OneLine(std::string_view text);
// In characters, not bytes.
size_t Width(std::string_view text);

}  // namespace zoe::cli
