"""Known shares over nested functions in two files. Each kind of work books its own CPU time: what it prints at the end decides."""
import json
import signal
import sys
import time

import shares_work

booked = {"heavy": 0.0, "medium": 0.0, "light": 0.0}


def book(kind, work):
    begin = time.thread_time()
    work()
    booked[kind] += time.thread_time() - begin


def one_round():
    book("heavy", shares_work.heavy)
    book("medium", shares_work.medium)
    book("light", shares_work.light)


def end(*_):
    print(json.dumps(booked), flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    one_round()
