"""
Stacks whose order is known by the text: callbacks through C, recursion, generators that two callers resume, threads, code that is
made and freed, coroutines. No function here calls another but where it is written.
"""
import ctypes
import sys
import threading


def burn(rounds=300):
    total = 0
    for i in range(rounds):
        total = (total * 31 + i) % 65537
    return total


libc = ctypes.CDLL(None)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def compare(a, b):
    burn_in_callback()
    return a[0] - b[0]


def burn_in_callback():
    burn()


compare_from_c = COMPARE(compare)


def sort_in_c():
    numbers = (ctypes.c_int * 8)(5, 3, 8, 1, 9, 2, 7, 4)
    libc.qsort(numbers, 8, ctypes.sizeof(ctypes.c_int), compare_from_c)


def deep(depth):
    if depth:
        return deep(depth - 1)
    return burn_at_the_bottom()


def burn_at_the_bottom():
    return burn(20000)


def generator_a():
    while True:
        burn_of_a()
        yield


def generator_b():
    while True:
        burn_of_b()
        yield


def burn_of_a():
    burn()


def burn_of_b():
    burn()


a, b = generator_a(), generator_b()


def resume_a_one():
    next(a)


def resume_a_two():
    for _ in a:
        break


def resume_b():
    next(b)


def made():
    for name in ("made_one", "made_two", "made_three"):
        scope = {"burn": burn}
        exec("def %s():\n    burn()\n%s()\n" % (name, name), scope)


async def coroutine_outer():
    await coroutine_inner()


async def coroutine_inner():
    burn_of_coroutine()


def burn_of_coroutine():
    burn()


def drive():
    try:
        coroutine_outer().send(None)
    except StopIteration:
        pass


def on_thread():
    while True:
        sort_in_c()
        resume_b()


def on_main():
    while True:
        resume_a_one()
        resume_a_two()
        made()
        drive()
        deep(int(sys.argv[1]))


sys.setrecursionlimit(5000)
threading.Thread(target=on_thread, daemon=True).start()
print("ready", flush=True)
on_main()
