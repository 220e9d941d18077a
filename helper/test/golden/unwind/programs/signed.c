/* arm64: return addresses that are signed (-mbranch-protection) in leaf functions and others. Never run. */
extern int other(int);

__attribute__((noinline)) int leaf(int x) { return x * 3; }

int variable(int x)
{
	char memory[x];

	return other(x) + leaf(x) + memory[0];
}

int plain(int x) { return other(x) * 2; }

int early(int x)
{
	if (x > 3)
		return leaf(x);
	return other(plain(x)) + x;
}
