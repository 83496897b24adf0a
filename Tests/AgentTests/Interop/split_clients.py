"""Real clients of HTTP/1.1 through an agent that splits their requests: http.client, urllib and curl.

split_clients.py AGENT ORIGIN HOST ROUNDS: starts servers at two addresses, sends requests with and without the mark to
the agent's, and prints what came of them as JSON.
"""

import hashlib
import http.client
import http.server
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return whole

    def answer(self):
        body = self.body()
        told = {"server": self.server.name, "path": self.path, "hash": hashlib.sha256(body).hexdigest()}
        text = json.dumps(told).encode()
        kind = self.path.split("?")[0]
        if kind == "/none":
            self.send_response(204)
            self.send_header("X-Server", self.server.name)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Server", self.server.name)
        if kind == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(text), 7):
                part = text[start : start + 7]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")
            return
        if kind == "/close":
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_):
        pass


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def serve(name, where):
    server = http.server.ThreadingHTTPServer(address(where), Handler)
    server.daemon_threads = True
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()


lock = threading.Lock()
result = {"requests": 0, "host": 0, "errors": []}


def count(server, marked, text):
    with lock:
        result["requests"] += 1
        result["host"] += marked
        if server != ("host" if marked else "origin"):
            result["errors"].append(f"{text} was answered by {server}")


def fail(text):
    with lock:
        result["errors"].append(text)


def standing(agent, seed, rounds):
    """One connection, all kinds of requests in turn."""
    choose = random.Random(seed)
    connection = http.client.HTTPConnection(*agent, timeout=20)
    for number in range(rounds):
        marked = choose.random() < 0.5
        kinds = "GET / GET /chunks HEAD / POST / PUT /chunks GET /none GET /close".split()
        method, path = choose.choice(list(zip(kinds[::2], kinds[1::2])))
        path += f"?{seed}.{number}"
        body = choose.randbytes(choose.choice([1, 1000, 100_000])) if method in ("POST", "PUT") else None
        parts = body is not None and choose.random() < 0.5
        headers = {"x-devtunnel": "alice"} if marked else {}
        sent = (body[i : i + 999] for i in range(0, len(body), 999)) if parts else body
        connection.request(method, path, body=sent, headers=headers, encode_chunked=parts)
        answer = connection.getresponse()
        text = answer.read()
        count(answer.headers["X-Server"], marked, f"{method} {path}")
        if text:
            told = json.loads(text)
            if told["path"] != path or told["hash"] != hashlib.sha256(body or b"").hexdigest():
                fail(f"{method} {path}: another answer")


def pipelined(agent, seed, rounds):
    """Requests that do not wait for answers."""
    choose = random.Random(seed)
    marks = [choose.random() < 0.5 for _ in range(rounds)]
    with socket.create_connection(agent, 20) as connection:
        lines = [
            f"GET /?{seed}.{n} HTTP/1.1\r\nHost: a\r\n" + ("X-DevTunnel: alice\r\n" if marked else "") + "\r\n"
            for n, marked in enumerate(marks)
        ]
        threading.Thread(target=connection.sendall, args=("".join(lines).encode(),), daemon=True).start()
        file = connection.makefile("rb")
        for number, marked in enumerate(marks):
            size, server = 0, ""
            while (line := file.readline().decode().strip()) != "":
                name, _, value = line.partition(": ")
                size = int(value) if name == "Content-Length" else size
                server = value if name == "X-Server" else server
            told = json.loads(file.read(size))
            count(server, marked, told["path"])
            if told["path"] != f"/?{seed}.{number}":
                fail(f"answer {number} is {told['path']}")


def curl(agent, seed, rounds):
    """curl, which asks before it sends large bodies, and uses its connection again."""
    url = f"http://{agent[0]}:{agent[1]}"
    with tempfile.NamedTemporaryFile() as file:
        file.write(random.Random(seed).randbytes(3_000_000))
        file.flush()
        hashed = hashlib.sha256(open(file.name, "rb").read()).hexdigest()
        command, marks = ["curl", "-s", "--http1.1", "-m", "30"], []
        for number in range(rounds):
            marks.append(number % 3 == 0)
            mark = ["-H", "x-devtunnel: alice"] if marks[-1] else []
            command += mark + ["-T", file.name, "-w", "\n%{num_connects}\n", f"{url}/?{number}", "--next", "-s"]
        output = subprocess.run(command[:-2], capture_output=True, text=True).stdout.split("\n")
        for number, marked in enumerate(marks):
            told = json.loads(output[2 * number])
            count(told["server"], marked, f"curl {number}")
            if told["hash"] != hashed:
                fail("curl: another body came")
        if any(output[2 * n + 1] != "0" for n in range(1, rounds)):
            fail("curl: a connection was not used again")


def single(agent, seed, rounds):
    """urllib, with a connection for each request, and HTTP/1.0."""
    for number in range(rounds):
        marked = number % 2 == 0
        url = f"http://{agent[0]}:{agent[1]}/?{number}"
        request = urllib.request.Request(url, headers={"x-devtunnel": "alice"} if marked else {})
        with urllib.request.urlopen(request, timeout=20) as answer:
            count(answer.headers["X-Server"], marked, url)
        with socket.create_connection(agent, 20) as connection:
            mark = "x-devtunnel: alice\r\n" if marked else ""
            connection.sendall(f"GET / HTTP/1.0\r\n{mark}\r\n".encode())
            text = b""
            while part := connection.recv(65536):
                text += part
            count(json.loads(text.split(b"\r\n\r\n")[1])["server"], marked, "HTTP/1.0")


def main():
    agent = address(sys.argv[1])
    serve("origin", sys.argv[2])
    serve("host", sys.argv[3])
    rounds = int(sys.argv[4])
    tasks = [(standing, n, rounds) for n in range(4)] + [(pipelined, n, rounds) for n in range(2)]
    tasks += [(curl, 1, min(rounds, 9)), (single, 1, min(rounds, 20))]

    def run(task):
        try:
            task[0](agent, *task[1:])
        except Exception as error:  # any error is a finding
            fail(f"{task[0].__name__}: {error!r}")

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result["errors"] = result["errors"][:20]
    print(json.dumps(result))


main()
