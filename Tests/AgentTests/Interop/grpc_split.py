"""One gRPC channel whose calls go different ways, by their metadata.

    grpc_split.py CHANNEL ORIGIN HOST CALLS

CHANNEL, ORIGIN and HOST are addresses with ports: servers listen at the last two. Each kind of call is made CALLS times
at once, marked for the host or not. Prints one line of JSON: the number of calls, of those that the wrong server
answered, and those that failed otherwise than they should.
"""
import hashlib
import json
import random
import sys
import threading
from concurrent import futures

import grpc

MARK = (("x-devtunnel", "alice"),)
BIG = 300_000


class Handler(grpc.GenericRpcHandler):
    """Answers by its own name, the count of the request's bytes, and their hash."""

    def __init__(self, name):
        self.name = name.encode()

    def sign(self, context, *messages):
        body = b"".join(messages)
        context.set_trailing_metadata((("x-server", self.name.decode()), ("x-bytes", str(len(body)))))
        return self.name + b" " + hashlib.sha256(body).hexdigest().encode()

    def service(self, details):
        return {
            "/split.Split/Unary": grpc.unary_unary_rpc_method_handler(lambda body, context: self.sign(context, body)),
            "/split.Split/Down": grpc.unary_stream_rpc_method_handler(self.down),
            "/split.Split/Up": grpc.stream_unary_rpc_method_handler(lambda all, context: self.sign(context, *all)),
            "/split.Split/Both": grpc.stream_stream_rpc_method_handler(self.both),
            "/split.Split/Fails": grpc.unary_unary_rpc_method_handler(self.fails),
            "/split.Split/Never": grpc.unary_unary_rpc_method_handler(self.never),
        }.get(details.method)

    def down(self, body, context):
        for _ in range(10):
            yield body
        yield self.sign(context, body)

    def both(self, all, context):
        for body in all:
            yield body
        yield self.sign(context)

    def fails(self, body, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.name.decode() + " says no")

    def never(self, body, context):
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        return b""


def serve(address, name):
    server = grpc.server(futures.ThreadPoolExecutor(64), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([Handler(name)])
    server.add_insecure_port(address)
    server.start()
    return server


class Calls:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.count, self.wrong, self.errors = 0, 0, []
        self.lock = threading.Lock()

    def check(self, name, answer, *messages):
        expected = name + " " + hashlib.sha256(b"".join(messages)).hexdigest()
        if answer.decode() != expected:
            raise ValueError(f"{answer.decode()} instead of {expected}")

    def unary(self, name, metadata, body):
        answer, call = self.channel.unary_unary("/split.Split/Unary").with_call(body, metadata=metadata, timeout=60)
        self.check(name, answer, body)
        if ("x-server", name) not in call.trailing_metadata():
            raise ValueError(f"trailers {call.trailing_metadata()}")

    def down(self, name, metadata, body):
        answers = list(self.channel.unary_stream("/split.Split/Down")(body, metadata=metadata, timeout=60))
        if answers[:-1] != [body] * 10:
            raise ValueError("other messages")
        self.check(name, answers[-1], body)

    def up(self, name, metadata, body):
        answer = self.channel.stream_unary("/split.Split/Up")(iter([body] * 10), metadata=metadata, timeout=60)
        self.check(name, answer, *[body] * 10)

    def both(self, name, metadata, body):
        stream = self.channel.stream_stream("/split.Split/Both")
        answers = list(stream(iter([body] * 10), metadata=metadata, timeout=60))
        if answers[:-1] != [body] * 10:
            raise ValueError("other messages")
        self.check(name, answers[-1])

    def fails(self, name, metadata, body):
        try:
            self.channel.unary_unary("/split.Split/Fails")(body, metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION or error.details() != name + " says no":
                raise
            return
        raise ValueError("no error")

    def never(self, name, metadata, body):
        try:
            self.channel.unary_unary("/split.Split/Never")(body, metadata=metadata, timeout=0.3)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                raise

    def run(self, kind, number):
        is_host = random.random() < 0.5
        body = bytes([number % 256]) * random.choice([0, 10, 5000, BIG])
        try:
            kind("host" if is_host else "origin", MARK if is_host else (("x-devtunnel", "bob"),), body)
        except ValueError as error:
            with self.lock:
                self.wrong += 1
                self.errors.append(f"{kind.__name__}: {error}"[:200])
        except grpc.RpcError as error:
            with self.lock:
                self.errors.append(f"{kind.__name__}: {error.code()}: {error.details()}"[:200])
        with self.lock:
            self.count += 1


def main(channel, origin, host, calls):
    servers = [serve(origin, "origin"), serve(host, "host")]
    all = Calls(channel)
    with futures.ThreadPoolExecutor(24) as pool:
        for number in range(calls):
            for kind in [all.unary, all.down, all.up, all.both, all.fails, all.never]:
                pool.submit(all.run, kind, number)
    all.channel.close()
    for server in servers:
        server.stop(0).wait()
    print(json.dumps({"calls": all.count, "wrong": all.wrong, "failed": len(all.errors), "errors": all.errors[:5]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
