"""Parks threads at places, and tells of them as Python itself sees them: sys._current_frames()."""
import json
import sys
import threading
import time

parked = threading.Semaphore(0)
never = threading.Lock()
never.acquire()


def park():
    parked.release()
    never.acquire()


def run(places):
    threads = [threading.Thread(target=place, daemon=True) for place in places]
    for thread in threads:
        thread.start()
    for _ in threads:
        parked.acquire()
    time.sleep(0.2)
    told = {}
    for ident, frame in sys._current_frames().items():
        if ident == threading.get_ident():
            continue
        rows = []
        while frame:
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name)
            rows.append([name, code.co_filename, frame.f_lineno, code.co_firstlineno])
            frame = frame.f_back
        told[ident] = rows
    print(json.dumps({"version": sys.hexversion, "threads": told}), flush=True)
    sys.stdin.read()
