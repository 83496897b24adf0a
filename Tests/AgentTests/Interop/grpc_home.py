"""A standing gRPC channel through an agent, while the server on the host is restarted again and again.

    grpc_home.py CHANNEL ORIGIN HOST ROUNDS graceful|killed
    grpc_home.py serve ADDRESS NAME

CHANNEL, ORIGIN and HOST are addresses with ports. Prints one line of JSON: the number of calls, of those that failed,
of those that the origin answered although the host had been listening for a second, and the longest time, in seconds,
between the moment when the host listens and the start of the last call that the origin answered.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures

import grpc

METHOD = "/home.Home/Who"


class Handler(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.answer = grpc.unary_unary_rpc_method_handler(lambda request, context: name.encode())

    def service(self, details):
        return self.answer if details.method == METHOD else None


def serve(address, name):
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([Handler(name)])
    server.add_insecure_port(address)
    server.start()
    return server


def host(address, name):
    server = serve(address, name)
    stopped = threading.Event()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # a test's process may block it
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    print("listening", flush=True)
    stopped.wait()
    server.stop(2).wait()


def restarts(channel, origin, address, rounds, is_graceful):
    first = serve(origin, "origin")
    # Calls are made one after the other, and the host is stopped between two of them.
    between = threading.Lock()
    calls, ending = [], threading.Event()

    def call():
        who = grpc.insecure_channel(channel).unary_unary(METHOD)
        while not ending.is_set():
            with between:
                start = time.monotonic()
                try:
                    answer = who(b"", timeout=20).decode()
                except grpc.RpcError as error:
                    answer = f"{error.code()}: {error.details()}"
            calls.append((start, answer))
            time.sleep(0.005)

    client = threading.Thread(target=call)
    client.start()
    late, longest, errors = 0, 0.0, []
    for number in range(rounds):
        time.sleep(0.3)
        before = len(calls)
        process = subprocess.Popen(
            [sys.executable, __file__, "serve", address, "host"], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        listens = time.monotonic()
        time.sleep(1.5)
        # A call on its way to a process that ends may fail, with or without a tunnel: grpcio cancels some.
        with between:
            stopped = time.monotonic()
            process.send_signal(signal.SIGTERM if is_graceful else signal.SIGKILL)
            time.sleep(0.1)
        process.wait()
        process.stdout.close()
        for start, answer in calls[before:]:
            if answer == "origin" and listens <= start < stopped:
                longest = max(longest, start - listens)
                late += start - listens > 1
    time.sleep(0.3)
    ending.set()
    client.join()
    failed = [answer for _, answer in calls if answer not in ("host", "origin")]
    by_host = sum(answer == "host" for _, answer in calls)
    print(json.dumps({
        "calls": len(calls), "host": by_host, "failed": len(failed), "late": late, "longest": longest,
        "errors": failed[:3]}), flush=True)
    first.stop(None).wait()


if sys.argv[1] == "serve":
    host(sys.argv[2], sys.argv[3])
else:
    restarts(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "graceful")
os._exit(0)
