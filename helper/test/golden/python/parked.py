"""Threads parked at known places, which this program then tells of itself: the oracle of pythonFrames.test.ts."""
from told import park, run


def nested(depth):
    if depth:
        return (
            nested(depth - 1)
        )
    park()


class Worker:
    def run(self):
        def inner():
            park()

        inner()

    @property
    def value(self):
        return park()


class Änderung:
    def größe(self):
        for _ in (park() for _ in range(1)):
            pass

    def 名前(self):
        [park() for _ in [0]]


def generator():
    yield 1
    yield park()


def resume():
    g = generator()
    next(g)
    next(g)


def callback():
    # A C function in between: sorted() calls back.
    sorted([2, 1], key=lambda item: park())


def long_lines():
    exec(compile("\n" * 70000 + "park()\n", "<made of lines>", "exec"), globals())


def wide():
    exec(compile("def \U00020000():\n  x = 1\n\n  park()\n\U00020000()\n", "/tmp/\U0001f40d/wide.py", "exec"), globals())


async def coroutine():
    async def awaited():
        park()

    await awaited()


def drive():
    try:
        coroutine().send(None)
    except StopIteration:
        pass


PLACES = [
    lambda: nested(3),
    lambda: nested(600),
    Worker().run,
    lambda: Worker().value,
    Änderung().größe,
    Änderung().名前,
    resume,
    callback,
    long_lines,
    wide,
    drive,
]

run(PLACES)
