#!/usr/bin/env python3
"""The far end of YamuxInteropTests: py-libp2p's yamux on a TCP connection (pip install libp2p).

  yamux_peer.py dial PORT     connects to 127.0.0.1:PORT, as yamux's client
  yamux_peer.py listen        prints the port it listens on, takes one connection, as yamux's server

Streams bear the relay's preamble (kind, length of the address, port, address) and its status byte, so that both ends
are the ones devtunnel has. A stream's port gives its purpose:

  to us      7 echo   8 reset at once   9 say "waiting", then expect the peer's reset
  from us    7 echo   9 say "waiting", then reset

Ends with status 0 when all streams behaved; otherwise what did not stands on standard error.
"""
import logging
import random
import struct
import sys

import trio
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamEOF, MuxedStreamReset
from libp2p.stream_muxer.yamux.yamux import Yamux

logging.disable(logging.CRITICAL)
ECHO, RESET, AWAIT_RESET = 7, 8, 9
STREAMS, SIZE = 4, 1_500_000
TO_US = STREAMS + 2   # what the test opens: echoes, one RESET, one AWAIT_RESET


class Socket:
    """What Yamux wants of a connection."""

    def __init__(self, stream, is_initiator):
        self.stream, self.is_initiator = stream, is_initiator

    async def read(self, n=None):
        return await self.stream.receive_some(n)

    async def write(self, data):
        await self.stream.send_all(data)

    async def close(self):
        await self.stream.aclose()

    def get_remote_address(self):
        return None


class Reader:
    """Reads a stream as bytes that come in pieces."""

    def __init__(self, stream):
        self.stream = stream

    async def some(self):
        try:
            return await self.stream.read(65536)
        except MuxedStreamEOF:
            return b""

    async def exactly(self, n):
        data = b""
        while len(data) < n:
            part = await self.stream.read(n - len(data))
            assert part, "the stream ended early"
            data += part
        return data


def preamble(port):
    return struct.pack("!BBH", 2, 4, port) + bytes([127, 0, 0, 1])


async def serve(stream, done):
    """A stream that the test opened."""
    reader = Reader(stream)
    kind, length, port = struct.unpack("!BBH", await reader.exactly(4))
    await reader.exactly(length)
    assert kind == 2, f"preamble of kind {kind}"
    if port == RESET:
        await stream.reset()
    elif port == AWAIT_RESET:
        await stream.write(b"\0waiting")
        try:
            while await reader.some():
                pass
        except MuxedStreamReset:
            pass
        assert stream.reset_received, "the peer's reset did not come"
    else:
        assert port == ECHO, f"preamble with port {port}"
        await stream.write(b"\0")
        while data := await reader.some():
            await stream.write(data)
        await stream.close()
    done.append(port)


async def accept(muxed, nursery, done):
    try:
        while True:
            nursery.start_soon(serve, await muxed.accept_stream(), done)
    except MuxedConnUnavailable:
        pass


async def echo(muxed, number, done):
    """Sends SIZE bytes while it reads them back, and ends its direction first."""
    stream = await muxed.open_stream()
    payload = random.Random(number).randbytes(SIZE)
    received = bytearray()

    async def send():
        await stream.write(preamble(ECHO) + payload[:100])
        await stream.write(payload[100:])
        await stream.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        reader = Reader(stream)
        assert await reader.exactly(1) == b"\0", "the stream was refused"
        while data := await reader.some():
            received += data
    assert received == payload, f"stream {number}: {len(received)} of {SIZE} bytes came back, or others"
    done.append(ECHO)


async def reset(muxed, done):
    stream = await muxed.open_stream()
    await stream.write(preamble(AWAIT_RESET) + b"waiting")
    await Reader(stream).exactly(1)
    await stream.reset()
    done.append(AWAIT_RESET)


async def run(tcp, is_initiator):
    muxed = Yamux(Socket(tcp, is_initiator), None, is_initiator=is_initiator)
    ours, theirs = [], []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(muxed.start)
        await muxed.event_started.wait()
        nursery.start_soon(accept, muxed, nursery, theirs)
        with trio.fail_after(60):
            async with trio.open_nursery() as streams:
                for number in range(STREAMS):
                    streams.start_soon(echo, muxed, number, ours)
                streams.start_soon(reset, muxed, ours)
            while len(theirs) < TO_US or muxed.rtt() == 0:
                await trio.sleep(0.02)
        assert sorted(theirs) == [ECHO] * STREAMS + [RESET, AWAIT_RESET], theirs
        assert not muxed.streams, f"streams left over: {list(muxed.streams)}"
        await muxed.close()   # a go-away, then the end
        nursery.cancel_scope.cancel()


async def main():
    if sys.argv[1] == "dial":
        await run(await trio.open_tcp_stream("127.0.0.1", int(sys.argv[2])), True)
    else:
        listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        print(listener.socket.getsockname()[1], flush=True)
        await run(await listener.accept(), False)


trio.run(main)
