"""Clients and servers that misbehave, at a port whose requests an agent splits, beside a client that does not.

split_faults.py AGENT ORIGIN HOST [NAME...]: starts servers of HTTP/1.1 and HTTP/2 at ORIGIN and HOST, performs each
fault (or those that are named) at AGENT, and prints a line of JSON for each: its outcome, and the requests of the other
client meanwhile, those of them that failed, and the slowest one in ms. The agent sends requests with the header
x-devtunnel: alice to HOST.
"""

import asyncio
import json
import multiprocessing
import struct
import sys
import time

MARK = b"x-devtunnel: alice\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


# ---- HTTP/2, as little of it as is needed.


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value):
    assert len(value) < 127
    return bytes([len(value)]) + value


def literal(name, value):
    """A field without indexing (RFC 7541, section 6.2.2)."""
    return b"\0" + text(name) + text(value)


def block(path, *fields, method=b"\x82"):
    head = method + b"\x86" + literal(b":path", path) + b"\x41" + text(b"user")
    return head + b"".join(literal(name, value) for name, value in fields)


ALICE = (b"x-devtunnel", b"alice")


class Frames:
    """The frames that a peer sends."""

    def __init__(self, reader):
        self.reader = reader

    async def next(self):
        head = await self.reader.readexactly(9)
        size = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream & 0x7FFFFFFF, await self.reader.readexactly(size)


# ---- Servers.


class Server:
    def __init__(self, name):
        self.name = name
        self.got = None  # bytes of HTTP/1, once they are wanted
        self.streams = 0  # streams of HTTP/2

    def note(self, data):
        if self.got is not None:
            self.got += data

    async def start(self, where):
        host, port = address(where)
        self.server = await asyncio.start_server(self.serve, host, port, limit=1 << 22)

    async def serve(self, reader, writer):
        try:
            first = await reader.readexactly(4)
            if first == b"PRI ":
                await self.serve2(reader, writer)
            else:
                await self.serve1(first, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve1(self, first, reader, writer):
        while True:
            try:
                head = first + await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                self.note(first + error.partial)
                return
            first = b""
            self.note(head)
            # A reader with bytes at hand does not give way by itself.
            await asyncio.sleep(0)
            path = head.split(b" ")[1]
            if path == b"/early":
                writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)
                return
            if path == b"/dies":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0.1)
                writer.transport.abort()
                return
            size = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.strip().lower() == b"content-length":
                    size = int(value.strip() or b"0")
            self.note(await reader.readexactly(size))
            body = self.name.encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()

    async def serve2(self, reader, writer):
        await reader.readexactly(len(PREFACE) - 4)
        writer.write(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 1000)))
        frames = Frames(reader)
        inside = None
        window = 65535
        while True:
            kind, flags, stream, payload = await frames.next()
            if kind == SETTINGS and not flags & 1:
                writer.write(frame(SETTINGS, 1, 0))
            elif kind == PING and not flags & 1:
                writer.write(frame(PING, 1, 0, payload))
            elif kind == DATA and payload:
                writer.write(frame(WINDOW, 0, 0, struct.pack(">I", len(payload))))
                if not flags & 1:
                    writer.write(frame(WINDOW, 0, stream, struct.pack(">I", len(payload))))
            elif kind == WINDOW and stream == 0:
                window += struct.unpack(">I", payload)[0]
            if kind == HEADERS:
                inside = flags & 1
                self.streams += 1
            if kind in (HEADERS, CONTINUATION) and flags & 4:
                body = self.name.encode()
                if inside:
                    writer.write(frame(HEADERS, 4, stream, b"\x88"))
                    # As much as its windows take: a client may want it and not read it.
                    if b"/large" in payload:
                        size = min(window, 16384)
                        window -= size
                        writer.write(frame(DATA, 0, stream, b"x" * size))
                    else:
                        window -= len(body)
                        writer.write(frame(DATA, 1, stream, body))
            await writer.drain()


# ---- Clients.


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls):
        return cls(*await asyncio.open_connection(*address(AGENT), limit=1 << 22))

    def send(self, data):
        self.writer.write(data)

    async def answer(self, limit=30):
        """Returns the status and the body of an answer of HTTP/1.1."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), limit)
        size = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        body = await asyncio.wait_for(self.reader.readexactly(size), limit)
        return int(head.split(b" ")[1]), body.decode()

    async def until_end(self, limit=30):
        """Reads to the end; returns what came, and if it was reset."""
        got = b""
        try:
            while piece := await asyncio.wait_for(self.reader.read(1 << 16), limit):
                got += piece
        except ConnectionError:
            return got, True
        return got, False

    def close(self):
        self.writer.transport.abort()


class Client2(Client):
    """A client of HTTP/2 whose first two streams were answered, one by each server."""

    @classmethod
    async def split(cls, settings=b"", window=1 << 30):
        self = await cls.connect()
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        if window:
            self.send(frame(WINDOW, 0, 0, struct.pack(">I", window)))
        self.frames = Frames(self.reader)
        self.stream = -1
        self.heads, self.resets, self.goaway = {}, {}, None
        for fields in ((), (ALICE,)):
            self.open(b"/first", *fields)
            await self.until(lambda: self.stream in self.heads)
        return self

    def open(self, path, *fields, flags=5):
        self.stream += 2
        self.send(frame(HEADERS, flags, self.stream, block(path, *fields)))
        return self.stream

    async def until(self, condition, limit=30):
        """Reads frames until the condition holds. Returns false at the connection's end."""
        end = time.monotonic() + limit
        while not condition():
            try:
                kind, flags, stream, payload = await asyncio.wait_for(self.frames.next(), end - time.monotonic())
            except (asyncio.IncompleteReadError, ConnectionError):
                return False
            if kind == SETTINGS and not flags & 1:
                self.send(frame(SETTINGS, 1, 0))
            elif kind == PING and not flags & 1:
                self.send(frame(PING, 1, 0, payload))
            elif kind == HEADERS:
                self.heads[stream] = payload
            elif kind == RESET:
                self.resets[stream] = struct.unpack(">I", payload)[0]
            elif kind == GOAWAY:
                self.goaway = struct.unpack(">I", payload[4:8])[0]
        return True

    async def ends(self, limit=60):
        return not await self.until(lambda: False, limit)


# ---- Faults. Each returns "ok", or what was wrong.

FAULTS = []


def fault(function):
    FAULTS.append((function.__name__.replace("_", " "), function))
    return function


DOUBTFUL = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length : 5\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n",
    b"X: y\r\r\nContent-Length: 5\r\n",
    b"X: \0\r\n",
    b"Host: other\r\n",
    b": empty\r\n",
]


@fault
async def doubtful_framing():
    inner = b"GET /smuggled HTTP/1.1\r\nHost: user\r\n" + MARK + b"\r\n"
    for fields in DOUBTFUL:
        for body in (b"0\r\n\r\n", b"5\r\nabcde\r\n0\r\n\r\n", b""):
            HOST_SERVER.got = b""
            client = await Client.connect()
            client.send(b"POST /outer HTTP/1.1\r\nHost: user\r\n" + MARK + fields + b"\r\n" + body + inner)
            client.writer.write_eof()
            await client.until_end()
            client.close()
            if HOST_SERVER.got:
                return f"{fields} with {body}: the host got {HOST_SERVER.got[:80]}"
    return "ok"


async def to_origin(head):
    """Sends a head with the mark; it must reach the origin byte for byte, and the host not at all."""
    HOST_SERVER.got = ORIGIN_SERVER.got = b""
    client = await Client.connect()
    client.send(head)
    status, body = await client.answer()
    client.close()
    if HOST_SERVER.got or body != "origin" or head not in ORIGIN_SERVER.got:
        return f"{status} from {body}, {len(ORIGIN_SERVER.got)} bytes of {len(head)}"
    return "ok"


@fault
async def head_of_1_MB():
    return await to_origin(b"GET /a HTTP/1.1\r\nHost: user\r\n" + MARK + b"X: " + b"y" * (1 << 20) + b"\r\n\r\n")


@fault
async def ten_thousand_fields():
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    return await to_origin(b"GET /a HTTP/1.1\r\nHost: user\r\n" + MARK + fields + b"\r\n")


@fault
async def a_byte_at_a_time():
    request = b"GET /slow HTTP/1.1\r\nHost: user\r\n" + MARK + b"\r\n"
    client = await Client.connect()
    for byte in request:
        client.send(bytes([byte]))
        await asyncio.sleep(PAUSE)
    status, body = await client.answer()
    client.close()
    return "ok" if (status, body) == (200, "host") else f"{status} {body}"


@fault
async def answer_before_the_host_has_read():
    client = await Client.connect()
    head = b"POST /early HTTP/1.1\r\nHost: user\r\n" + MARK + b"Content-Length: 100000000\r\n\r\n"
    client.send(head + b"x" * 100_000)
    got, was_reset = await client.until_end()
    client.close()
    return "ok" if got.startswith(b"HTTP/1.1 413 ") else f"{got[:40]}, reset: {was_reset}"


@fault
async def origin_that_dies_in_an_answer():
    client = await Client.connect()
    client.send(b"GET /dies HTTP/1.1\r\nHost: user\r\n\r\n")
    got, was_reset = await client.until_end()
    client.close()
    if not was_reset and len(got) >= 1_000_000:
        return f"{len(got)} bytes, reset: {was_reset}"
    client = await Client.connect()
    client.send(b"GET /next HTTP/1.1\r\nHost: user\r\n\r\n")
    answer = await client.answer()
    client.close()
    return "ok" if answer == (200, "origin") else f"{answer}"


@fault
async def upgrade_to_h2c():
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    return await to_origin(b"GET /a HTTP/1.1\r\nHost: user\r\n" + MARK + upgrade + b"\r\n")


@fault
async def thousands_of_pipelined_requests():
    client = await Client.connect()
    one = b"GET /a HTTP/1.1\r\nHost: user\r\n\r\nGET /b HTTP/1.1\r\nHost: user\r\n" + MARK + b"\r\n"
    client.send(one * 2000)
    for _ in range(2000):
        for server in ("origin", "host"):
            status, body = await client.answer()
            if (status, body) != (200, server):
                return f"{status} from {body} instead of {server}"
    client.close()
    return "ok"


@fault
async def HPACK_bomb():
    client = await Client2.split()
    entry = b"\x40" + text(b"x") + b"\x7f\xb9\x16" + b"a" * 3000
    client.stream += 2
    client.send(frame(HEADERS, 4 | 1, client.stream, entry + b"\xbe" * 8000))
    await client.until(lambda: client.stream in client.resets or client.goaway is not None)
    client.close()
    return "ok" if client.resets.get(client.stream) == 11 or client.goaway else f"{client.resets} {client.goaway}"


@fault
async def baggage_by_an_index():
    """Blocks of some hundred bytes that mean megabytes to a rule."""
    client = await Client2.split()
    value = b"a=b," * 900
    size = len(value) - 127
    entry = b"\x40" + text(b"baggage") + b"\x7f" + bytes([size % 128 | 128, size // 128]) + value
    client.stream += 2
    client.send(frame(HEADERS, 5, client.stream, block(b"/a") + entry))
    for _ in range(100):
        client.stream += 2
        client.send(frame(HEADERS, 5, client.stream, block(b"/a") + b"\xbe" * 250))
        await asyncio.sleep(0.01)
    await client.until(lambda: client.stream in client.heads or client.stream in client.resets)
    answered = len(client.heads) + len(client.resets)
    client.close()
    return "ok" if answered > 2 else f"{answered} answers"


@fault
async def CONTINUATION_flood():
    client = await Client2.split()
    client.stream += 2
    client.send(frame(HEADERS, 1, client.stream, b"\x82"))
    client.send(frame(CONTINUATION, 0, client.stream) * 100_000)
    ended = await client.ends()
    client.close()
    return "ok" if ended else "it goes on"


@fault
async def rapid_reset():
    client = await Client2.split()
    for _ in range(100):
        for _ in range(200):
            stream = client.open(b"/a", ALICE)
            client.send(frame(RESET, 0, stream, struct.pack(">I", 8)))
        await asyncio.sleep(0)
        await client.writer.drain()
    stream = client.open(b"/after", ALICE)
    answered = await client.until(lambda: stream in client.heads, 60)
    client.close()
    return "ok" if answered or client.goaway is not None else "no answer"


@fault
async def settings_flood():
    client = await Client2.split()
    for _ in range(200):
        client.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 70000) * 10) * 100)
        await asyncio.sleep(0)
    ended = not await client.until(lambda: client.goaway is not None, 60)
    client.close()
    return "ok" if ended or client.goaway is not None else "it goes on"


@fault
async def ping_flood():
    client = await Client2.split()
    client.send(frame(PING, 0, 0, b"12345678") * 50_000)
    stream = client.open(b"/after", ALICE)
    answered = await client.until(lambda: stream in client.heads, 60)
    client.close()
    return "ok" if answered or client.goaway is not None else "no answer"


@fault
async def windows_of_zero():
    """Forty connections, each with a hundred answers that its windows do not take."""
    clients = []
    for _ in range(40):
        client = await Client2.split(struct.pack(">HI", 4, 16), window=0)
        for number in range(100):
            client.open(b"/large", *((ALICE,) if number % 2 else ()))
        clients.append(client)
    await asyncio.sleep(0.5)
    for client in clients:
        client.close()
    return "ok"


@fault
async def readers_that_read_nothing():
    clients = []
    for _ in range(40):
        client = await Client.connect()
        client.send((b"GET /b HTTP/1.1\r\nHost: user\r\n" + MARK + b"\r\n") * 5000)
        clients.append(client)
    await asyncio.sleep(0.5)
    for client in clients:
        client.close()
    return "ok"


# ---- The client that does nothing wrong, in a process of its own.


def other_client(agent, figures):
    async def run():
        global AGENT
        AGENT = agent
        clients = [await Client.connect(), await Client.connect()]
        while True:
            for client, mark, server in ((clients[0], b"", "origin"), (clients[1], MARK, "host")):
                start = time.monotonic()
                try:
                    client.send(b"GET /other HTTP/1.1\r\nHost: user\r\n" + mark + b"\r\n")
                    right = await client.answer() == (200, server)
                except (OSError, EOFError, asyncio.TimeoutError):
                    right = False
                took = time.monotonic() - start
                with figures.get_lock():
                    figures[0] += 1
                    figures[1] += not right
                    figures[2] = max(figures[2], took)
                if not right:
                    clients[0 if server == "origin" else 1] = await Client.connect()
            await asyncio.sleep(0.01)

    asyncio.run(run())


async def main(names):
    global ORIGIN_SERVER, HOST_SERVER
    ORIGIN_SERVER, HOST_SERVER = Server("origin"), Server("host")
    await ORIGIN_SERVER.start(ORIGIN)
    await HOST_SERVER.start(HOST)
    for name, function in FAULTS:
        if names and name not in names:
            continue
        HOST_SERVER.got = ORIGIN_SERVER.got = None
        figures = multiprocessing.Array("d", 3)
        other = multiprocessing.Process(target=other_client, args=(AGENT, figures), daemon=True)
        # These look at all that the servers get.
        alone = function in (doubtful_framing, head_of_1_MB, ten_thousand_fields, upgrade_to_h2c)
        if not alone:
            other.start()
        start = time.monotonic()
        try:
            outcome = await asyncio.wait_for(function(), 120)
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        took = time.monotonic() - start
        if not alone:
            await asyncio.sleep(0.3)
            other.kill()
            other.join()
        line = {
            "fault": name, "outcome": outcome, "seconds": round(took, 2), "requests": int(figures[0]),
            "failed": int(figures[1]), "slowest": round(figures[2] * 1000, 1),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    AGENT, ORIGIN, HOST = sys.argv[1:4]
    # The time between two bytes, seconds.
    PAUSE = 0.02
    asyncio.run(main(sys.argv[4:]))
