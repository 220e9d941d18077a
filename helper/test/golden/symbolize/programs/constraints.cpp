// Functions whose names need what C++20 added to the ABI: constrained templates, abbreviated ones, template lambdas.
namespace shop {
template <class T>
concept Small = sizeof(T) < 8;
template <class T>
concept Summable = requires(T a) { a + a; };

struct Node {
	int value;
	template <Summable T>
	void add(T more) { value += static_cast<int>(more); }
	template <class T>
		requires Small<T>
	T halved(T of) const { return static_cast<T>(of / 2); }
};

int abbreviated(Summable auto a, Small auto b) { return static_cast<int>(a) + static_cast<int>(b); }
template <class T>
int trailing(T a) requires Small<T> && Summable<T> { return static_cast<int>(a); }
template <class... T>
	requires(Summable<T> && ...)
int all(T... values) { return (static_cast<int>(values) + ...); }
} // namespace shop

int main() {
	shop::Node node{1};
	node.add(2.5);
	node.halved('a');
	auto pick = []<class T>(T a, int b) requires shop::Small<T> { return a + b; };
	return node.value + shop::abbreviated(1, 'b') + shop::trailing(3) + shop::all(1, 2L, 3.0) + pick('x', 1);
}
