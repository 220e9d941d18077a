module shapes;
import core.stdc.stdio;

struct Grid(T) {
  T[16] cells;
  pragma(inline, false) T mixed(T value) {
    foreach (i; 0 .. 64) value = (value ^ (value >> 7)) * 31 + cells[i % 16];
    return value;
  }
}

pragma(inline, false) int twice(int n) { return n * 2 + 1; }

int main(string[] args) {
  Grid!uint grid;
  uint sum = cast(uint) args.length;
  foreach (i; 0 .. 1000) sum += grid.mixed(sum) + twice(i);
  printf("%u\n", sum);
  return 0;
}
