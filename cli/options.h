// Flags in kubectl's manner: anywhere among the words, `--name value`, `--name=value`, `-n value`,
// `-nvalue`, `-n=value`, boolean letters in one bundle, `--` ends them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe::cli {

enum class FlagKind {
  kBool,      // --wait, --wait=false
  kValue,     // the last one counts
  kList,      // may be repeated
  kOptional,  // a value only with '=': --dry-run, --dry-run=server
};

struct Flag {
  std::string_view name;
  char letter = 0;
  FlagKind kind = FlagKind::kBool;
  std::string_view value;  // in help: FILE
  std::string_view help;
  std::string_view standard;              // when absent; for kOptional see `bare`
  std::string_view bare;                  // kOptional: the value of --name alone
  std::vector<std::string_view> choices;  // empty: any value
};

class Arguments {
 public:
  bool Has(std::string_view name) const;                // was given
  bool Is(std::string_view name) const;                 // boolean: its value
  const std::string& Get(std::string_view name) const;  // given or standard
  std::vector<std::string> All(std::string_view name) const;
  const std::vector<std::string>& words() const { return words_; }

 private:
  friend Expected<Arguments> ParseArguments(const std::vector<std::string>&,
                                            const std::vector<Flag>&);
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> standards_;
  std::vector<std::string> words_;
};

// kBadRequest says which flag is wrong, and what is close to it.
Expected<Arguments> ParseArguments(const std::vector<std::string>& args,
                                   const std::vector<Flag>& flags);

// The index of the first word that is no flag and no flag's value, knowing only `flags`;
// args.size() if there is none.
size_t FirstWord(const std::vector<std::string>& args, const std::vector<Flag>& flags);

// The candidate that `word` was probably meant to be; empty if none is close.
std::string Closest(std::string_view word, const std::vector<std::string_view>& candidates);

// "5m", "90s"; a bare number is seconds; 0 and negative numbers mean without end.
Expected<Duration> ParseTimeout(const std::string& text);

}  // namespace zoe::cli
