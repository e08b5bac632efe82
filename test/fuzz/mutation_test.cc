#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "test/fuzz/decode_check.h"
#include "test/fuzz/frame_check.h"

namespace zoe::fuzz {
namespace {

constexpr uint64_t kSeed = 20'260'131;
constexpr int kRounds = 6000;
constexpr std::chrono::seconds kSlow{5};

std::vector<std::string> ReadCorpus(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("test/fuzz/corpus/" + folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// Makes broken documents out of good ones.
class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus), random_(kSeed) {}

  std::string Next() {
    std::string text = Pick();
    for (size_t i = 1 + Below(4); i > 0; --i) Mutate(text);
    return text;
  }

 private:
  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }
  const std::string& Pick() { return corpus_[Below(corpus_.size())]; }
  void Mutate(std::string& text) {
    static constexpr std::string_view kTokens[] = {
        ",",    ":",    ": ",           "- ",     "? ",   "[",      "]",     "{",     "}",
        "&a ",  "*a",   "<<: ",         "!!str ", "!x ",  "|\n",    ">-\n",  "\"",    "'",
        "#",    " #",   "\n",           "\n\n",   "\t",   "  ",     "---\n", "...\n", "%YAML 1.2\n",
        "\\",   "\\u",  "\\ud800",      "~",      "null", "1e400",  "0x",    ".inf",  "\r",
        "\xff", "\xc3", "\xef\xbb\xbf", "\x01",   "é",    "é: é\n", "-",     "--- ",  "`",
        "@"};
    const size_t at = Below(text.size() + 1);
    switch (Below(7)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 1:
        text.insert(at, kTokens[Below(std::size(kTokens))]);
        break;
      case 2:
        text.erase(at, 1 + Below(8));
        break;
      case 3:
        text.insert(at, text.substr(Below(text.size()), Below(40)));
        break;
      case 4: {
        const std::string& other = Pick();
        text = text.substr(0, at) + other.substr(Below(other.size()));
        break;
      }
      case 5:
        text.resize(at);
        break;
      default: {
        std::string token(kTokens[Below(std::size(kTokens))]);
        for (size_t i = Below(100); i > 0; --i) text.insert(at, token);
      }
    }
  }
  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

void CheckAll(const std::string& folder, std::string (*check)(std::string_view)) {
  const std::vector<std::string> corpus = ReadCorpus(folder);
  ASSERT_FALSE(corpus.empty());
  for (const std::string& text : corpus) ASSERT_EQ(check(text), "") << text;
  Mutator mutator(corpus);
  for (int round = 0; round < kRounds; ++round) {
    const std::string text = mutator.Next();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(check(text), "") << "round " << round << "\n" << text;
    ASSERT_LT(std::chrono::steady_clock::now() - start, kSlow) << "round " << round << "\n" << text;
  }
}

TEST(Decoders, SurviveMutatedYaml) { CheckAll("yaml", CheckYaml); }
TEST(Decoders, SurviveMutatedJson) { CheckAll("json", CheckJson); }
TEST(Decoders, SurviveMutatedSpdy) { CheckAll("spdy", CheckSpdy); }
TEST(Decoders, SurviveMutatedWebSockets) { CheckAll("websocket", CheckWebSocket); }

}  // namespace
}  // namespace zoe::fuzz
