"""Processes that come and go: forked again and again, each for a third of a second, and one started anew by multiprocessing."""
import multiprocessing
import os
import sys
import time


def burn(seconds):
    end = time.thread_time() + seconds
    total = 0
    while time.thread_time() < end:
        for i in range(2000):
            total = (total * 31 + i) % 65537
    return total


def in_parent():
    burn(0.1)


def in_forked():
    burn(0.3)


def in_forked_of_forked():
    burn(0.1)


def in_spawned():
    while True:
        burn(1)


def fork_and_wait(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)


def forked():
    in_forked()
    fork_and_wait(in_forked_of_forked)


if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=in_spawned, daemon=True).start()
    print("ready", flush=True)
    while True:
        in_parent()
        fork_and_wait(forked)
