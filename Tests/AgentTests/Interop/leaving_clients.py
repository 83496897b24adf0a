"""Clients that send POSTs over standing connections while the agent ends.

leaving_clients.py AGENT ORIGIN CLIENTS: starts a server at the origin's address. Each client sends one request after
the other until an answer says that the connection ends; its end without that is an error. Prints JSON.
"""

import http.client
import http.server
import json
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


lock = threading.Lock()
result = {"answered": 0, "told": 0, "errors": []}


def ask(agent, number):
    connection = http.client.HTTPConnection(*agent, timeout=30)
    # Some ask at once, others after a while.
    pause = number % 6 * 0.02
    for count in range(1_000_000):
        body = f"{number}.{count} ".encode() * (1 + count % 200)
        try:
            connection.request("POST", "/", body=body)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            with lock:
                result["errors"].append(f"client {number}, request {count}: {error!r}")
            return
        with lock:
            result["answered"] += 1
            if text != body:
                result["errors"].append(f"client {number}, request {count}: another answer")
        if answer.will_close:
            with lock:
                result["told"] += 1
            return
        time.sleep(pause)


agent, origin, clients = address(sys.argv[1]), address(sys.argv[2]), int(sys.argv[3])
server = Server(origin, Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
threads = [threading.Thread(target=ask, args=(agent, number)) for number in range(clients)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(result))
