"""The work of shares.py: three functions whose loops stand at known lines, in the proportion 6 : 3 : 1."""

UNIT = 3000


def heavy():
    total = 0
    for i in range(6 * UNIT):
        total = (total * 31 + i) % 65537
    return total


class Medium:
    def run(self):
        def inner():
            total = 0
            for i in range(3 * UNIT):
                total = (total * 31 + i) % 65537
            return total

        return inner()


def medium():
    return Medium().run()


def light():
    return sum(squares())


def squares():
    total = 0
    for i in range(UNIT):
        total = (total * 31 + i) % 65537
    yield total
