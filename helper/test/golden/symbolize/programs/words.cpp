// C++ with templates, lambdas, virtual functions, exceptions and much of the standard library inlined.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace text {

struct Counter {
  virtual ~Counter() = default;
  virtual void add(const std::string &word) = 0;
  virtual std::vector<std::pair<std::string, int>> top(std::size_t n) const = 0;
};

template <typename Map>
class MapCounter : public Counter {
 public:
  void add(const std::string &word) override {
    if (word.empty()) throw std::invalid_argument("empty word");
    ++counts_[word];
  }

  std::vector<std::pair<std::string, int>> top(std::size_t n) const override {
    std::vector<std::pair<std::string, int>> all(counts_.begin(), counts_.end());
    std::sort(all.begin(), all.end(), [](const auto &a, const auto &b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (all.size() > n) all.resize(n);
    return all;
  }

 private:
  Map counts_;
};

std::vector<std::string> split(const std::string &line) {
  static const std::regex word("[a-z]+");
  std::vector<std::string> words;
  for (std::sregex_iterator at(line.begin(), line.end(), word), end; at != end; ++at) words.push_back(at->str());
  return words;
}

}  // namespace text

namespace {

int apply(const std::function<int(int)> &f, int n) {
  std::vector<int> v(n);
  std::iota(v.begin(), v.end(), 1);
  std::transform(v.begin(), v.end(), v.begin(), f);
  return std::accumulate(v.begin(), v.end(), 0);
}

}  // namespace

int main() {
  std::vector<std::unique_ptr<text::Counter>> counters;
  counters.push_back(std::make_unique<text::MapCounter<std::map<std::string, int>>>());
  counters.push_back(std::make_unique<text::MapCounter<std::unordered_map<std::string, int>>>());
  std::stringstream in("the quick brown fox jumps over the lazy dog\nthe dog sleeps\n");
  std::string line;
  std::set<std::string> seen;
  while (std::getline(in, line))
    for (const auto &word : text::split(line)) {
      seen.insert(word);
      for (auto &counter : counters) counter->add(word);
    }
  try {
    counters[0]->add("");
  } catch (const std::exception &e) {
    std::cerr << e.what() << '\n';
  }
  for (auto &counter : counters)
    for (auto &[word, count] : counter->top(3)) std::cout << word << ' ' << count << '\n';
  std::cout << apply([&](int x) { return x * static_cast<int>(seen.size()); }, 10) << '\n';
}
