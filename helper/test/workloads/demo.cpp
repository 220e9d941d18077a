// The sample program of `make demo`: a toy order book that parses, prices and ranks orders without a pause, so that a
// recording has something to show. demo [SECONDS]   (default 600; ends earlier on SIGTERM)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Order {
	unsigned id = 0;
	double price = 0;
	unsigned quantity = 0;
};

[[gnu::noinline]] std::string makeFeed(std::uint64_t &seed, int count)
{
	std::string feed;
	for (int i = 0; i < count; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		feed += std::to_string(seed >> 44) + ',' + std::to_string((seed >> 24) % 9000 + 1000) + ',' +
			std::to_string((seed >> 16) % 90 + 10) + '\n';
	}
	return feed;
}

[[gnu::noinline]] std::vector<Order> parseOrders(const std::string &feed)
{
	std::vector<Order> orders;
	const char *at = feed.c_str();
	while (*at) {
		char *next;
		Order order;
		order.id = static_cast<unsigned>(std::strtoul(at, &next, 10));
		order.price = static_cast<double>(std::strtoul(next + 1, &next, 10)) / 100;
		order.quantity = static_cast<unsigned>(std::strtoul(next + 1, &next, 10));
		orders.push_back(order);
		at = next + 1;
	}
	return orders;
}

// Prices an option on each order by stepping through a tree: the hot spot that the demo finds.
[[gnu::noinline]] double priceOrder(const Order &order)
{
	double value = 0;
	for (int step = 1; step <= 60; step++)
		value += std::sqrt(order.price * step) / (1.0 + value * 1e-6);
	return value * order.quantity;
}

[[gnu::noinline]] double rankOrders(std::vector<Order> &orders)
{
	std::sort(orders.begin(), orders.end(), [](const Order &a, const Order &b) { return a.price < b.price; });
	return orders.front().price;
}

[[gnu::noinline]] double tradingDay(std::uint64_t &seed)
{
	std::vector<Order> orders = parseOrders(makeFeed(seed, 2000));
	double total = rankOrders(orders);
	for (const Order &order : orders)
		total += priceOrder(order);
	return total;
}

} // namespace

int main(int argc, char **argv)
{
	using Clock = std::chrono::steady_clock;
	const auto end = Clock::now() + std::chrono::duration<double>(argc > 1 ? std::atof(argv[1]) : 600);
	std::uint64_t seed = 42;
	double total = 0;

	std::puts("ready");
	std::fflush(stdout);
	while (Clock::now() < end)
		total += tradingDay(seed);
	return total < 0;
}
