// CPU work of known shares in C++: 60 % shop::Basket<double>::sixty, 30 % thirty, 10 % ten. Names need demangling.
// Called by the root and e2e tests: hot-cpp [SECONDS]   (default 600; ends earlier on SIGTERM)
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace shop {

constexpr unsigned long kRound = 20000;

template <typename Price> class Basket {
public:
	[[gnu::noinline]] void sixty()
	{
		for (unsigned long i = 0; i < 6 * kRound; i++)
			state_ = state_ * 6364136223846793005ul + i;
	}
	[[gnu::noinline]] void thirty()
	{
		for (unsigned long i = 0; i < 3 * kRound; i++)
			state_ = state_ * 2862933555777941757ul + i;
	}
	[[gnu::noinline]] void ten()
	{
		for (unsigned long i = 0; i < kRound; i++)
			state_ = state_ * 3935559000370003845ul + i;
	}
	[[gnu::noinline]] void checkout()
	{
		sixty();
		thirty();
		ten();
	}
	unsigned long state() const { return state_; }

private:
	unsigned long state_ = 1;
	Price price_{};
};

} // namespace shop

int main(int argc, char **argv)
{
	using Clock = std::chrono::steady_clock;
	const auto end = Clock::now() + std::chrono::duration<double>(argc > 1 ? std::atof(argv[1]) : 600);
	shop::Basket<double> basket;

	std::puts("ready");
	std::fflush(stdout);
	while (Clock::now() < end)
		basket.checkout();
	return basket.state() == 0;
}
