"""A few threads at known places: what helper/test/unit/fixtures/python/ was captured of (see README.md there)."""
from told import park, run


class Straße:
    def 名前(self, depth):
        if depth:
            return self.名前(depth - 1)
        sorted([0], key=lambda _: park())


def generator():
    yield 1
    yield park()


def resume():
    g = generator()
    next(g)
    next(g)


def wide():
    exec(compile("\n" * 70000 + "def \U00020000():\n  x = 1\n\n  park()\n\U00020000()\n", "/tmp/\U0001f40d.py", "exec"), globals())


run([lambda: Straße().名前(2), resume, wide])
