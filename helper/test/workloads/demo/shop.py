"""The web service in Python that `make demo` records, with the routes of shop.ts. Says `ready PORT` when it listens on
loopback, ends after as many seconds as its argument says."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = [
    {
        "customer": f"customer {i * 7919 % 97}",
        "prices": [(i + 1) * (j + 3) % 1000 for j in range(20)],
    }
    for i in range(400)
]


class Invoice:
    def __init__(self, order):
        self.order = order

    def total(self):
        total = 0
        for price in self.order["prices"]:
            total = (total * 31 + discounted(price)) % 1_000_003
        return total


def discounted(price):
    return price * 9 // 10 if price > 500 else price


def totals():
    return [Invoice(order).total() for order in ORDERS]


def search(text):
    return [order for order in ORDERS if text in order["customer"].upper().split(" ")]


def report():
    by_customer = {}
    for order in ORDERS:
        by_customer.setdefault(order["customer"], []).extend(order["prices"])
    return {customer: sorted(prices) for customer, prices in by_customer.items()}


ROUTES = {"/totals": totals, "/search": lambda: search("42"), "/report": report}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = ROUTES.get(self.path)
        body = json.dumps(answer()).encode() if answer else b""
        self.send_response(200 if answer else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
end = threading.Timer(float(sys.argv[1]) if len(sys.argv) > 1 else 600, os._exit, [0])
end.daemon = True
end.start()
print("ready", server.server_port, flush=True)
server.serve_forever()
