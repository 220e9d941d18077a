"""The service of services.test.ts in Python: Flask, as it is when nothing was prepared for a profiler."""
import logging

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

app = Flask(__name__)


def price_order(order: int) -> int:
    total = order
    for step in range(20_000):
        total = (total * 31 + step) % 1_000_003  # ORDER_LINE
    return total


@app.get("/orders/<int:order>")
def answer_order(order: int):
    return {"order": order, "total": price_order(order)}


@app.get("/broken")
def answer_broken():
    return {"error": "broken"}, 500


logging.getLogger("werkzeug").disabled = True
WSGIRequestHandler.protocol_version = "HTTP/1.1"
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
