// Nearly all of its time goes to one line (MIXED_LINE) of a function that was inlined into another, which was inlined
// itself: the optimized program has neither `mixed` nor `step`. Arguments: seconds to run (600).
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

static volatile uint64_t sink;

struct Grid {
  std::vector<uint64_t> cells = std::vector<uint64_t>(4096);

  static uint64_t mixed(uint64_t value) {
    for (int i = 0; i < 256; i++)
      value = (value ^ (value >> 7)) * 0x9e3779b97f4a7c15u + (value >> 31) % 1013; // MIXED_LINE
    return value;
  }

  void step(uint64_t seed) {
    for (auto &cell : cells) cell = mixed(cell + seed);
  }
};

int main(int argc, char **argv) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(argc > 1 ? atoi(argv[1]) : 600);
  Grid grid;
  puts("ready");
  fflush(stdout);
  for (uint64_t seed = 1; std::chrono::steady_clock::now() < end; seed++) {
    grid.step(seed);
    sink = grid.cells[0];
  }
}
