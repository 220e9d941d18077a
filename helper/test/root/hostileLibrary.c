// Code that hostile tests map, replace and take away: a library with one busy function.
static volatile unsigned long turns;

__attribute__((noinline)) static void library_work(void)
{
	for (int i = 0; i < 1000000; i++)
		turns++;
}

void library_spin(void)
{
	for (;;)
		library_work();
}
