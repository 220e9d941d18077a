// Functions with landing pads, cleanups, cold parts and calls through tables. Built by unwindTable.test.ts; never run.
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Shape {
  virtual ~Shape() = default;
  virtual double area(double scale) const = 0;
};
struct Square : Shape {
  double side;
  explicit Square(double s) : side(s) {}
  double area(double scale) const override {
    if (scale < 0) throw std::invalid_argument("scale " + std::to_string(scale));
    return side * side * scale;
  }
};

__attribute__((noinline)) double total(const std::vector<Shape *> &shapes, double scale) {
  std::map<std::string, double> byName;
  for (const Shape *shape : shapes) {
    std::string name = "shape" + std::to_string(byName.size());
    byName[name] += shape->area(scale);
  }
  double sum = 0;
  for (const auto &[name, area] : byName) sum += area + name.size();
  return sum;
}

__attribute__((noinline)) double guarded(const std::vector<Shape *> &shapes, double scale) {
  try {
    return total(shapes, scale);
  } catch (const std::invalid_argument &error) {
    return std::string(error.what()).size();
  } catch (...) {
    alignas(64) char memory[192] = {};
    return memory[shapes.size() % 192];
  }
}

int main(int argc, char **) {
  std::vector<Shape *> shapes;
  for (int i = 0; i < argc; i++) shapes.push_back(new Square(i));
  double sum = guarded(shapes, argc) + guarded(shapes, -argc);
  for (Shape *shape : shapes) delete shape;
  return sum > 100;
}
