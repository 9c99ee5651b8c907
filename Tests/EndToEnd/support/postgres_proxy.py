"""A proxy between a client and PostgreSQL that knows enough of the protocol to cut a connection where it hurts."""

import asyncio
import struct

from support.scripted_server import LoopThread

STARTUP = 196608


class Messages:
    """Cuts a direction's bytes into messages, as (type, body, bytes); a client's first ones have no type."""

    def __init__(self, is_client):
        self.held, self.is_untyped = b"", is_client

    def feed(self, data):
        self.held += data
        while True:
            head = 0 if self.is_untyped else 1
            if len(self.held) < head + 4:
                return
            (length,) = struct.unpack_from("!i", self.held, head)
            if len(self.held) < head + length:
                return
            whole, self.held = self.held[: head + length], self.held[head + length :]
            kind, body = whole[:head].decode("latin-1"), whole[head + 4 :]
            if self.is_untyped and struct.unpack_from("!i", body)[0] == STARTUP:
                self.is_untyped = False
            yield kind, body, whole


class PostgresProxy(LoopThread):
    """Passes connections on to PostgreSQL (without TLS) until the test's `cut` says otherwise.

    `cut(kind, body, number)` is asked for each message of a client, with the number of its connection, and returns
    - None: the message is passed on;
    - "before": both ends are cut, and the message never arrives;
    - "within": half of the message arrives, then both ends are cut;
    - "after": the message arrives, and both ends are cut at once;
    - "unanswered": the message arrives and is answered, but the client sees the connection end instead of the answer;
    - "stall": nothing of the client is read any more, and its connection stays.
    """

    def __init__(self, port, cut=None):
        self.target, self.cut = port, cut
        self.connections = 0
        #: What was cut, in order.
        self.cuts = []
        super().__init__()

    async def converse(self, reader, writer):
        number = self.connections
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        silent = asyncio.Event()
        answered = asyncio.Event()
        back = asyncio.ensure_future(self.pass_back(server_reader, writer, silent, answered))
        messages = Messages(is_client=True)
        try:
            while data := await reader.read(65536):
                for kind, body, whole in messages.feed(data):
                    decision = self.cut(kind, body, number) if self.cut else None
                    if decision is None:
                        server_writer.write(whole)
                        continue
                    self.cuts.append((decision, kind))
                    if decision == "stall":
                        await asyncio.Event().wait()
                    if decision == "within":
                        server_writer.write(whole[: len(whole) // 2])
                    elif decision in ("after", "unanswered"):
                        if decision == "unanswered":
                            silent.set()
                        server_writer.write(whole)
                    if decision != "before":
                        await server_writer.drain()
                    if decision == "unanswered":
                        await asyncio.wait_for(answered.wait(), 20)
                    if decision == "after":
                        # The bytes are the server's, whatever becomes of the connection.
                        server_writer.close()
                    else:
                        server_writer.transport.abort()
                    writer.transport.abort()
                    return
                await server_writer.drain()
        finally:
            back.cancel()
            server_writer.close()

    async def pass_back(self, reader, writer, silent, answered):
        """Answers to the client. Once `silent` they stop, and what is waited for is the end of a command."""
        try:
            while data := await reader.read(65536):
                if silent.is_set():
                    # ReadyForQuery is the last message of an answer, six bytes long.
                    if data[-6:-5] == b"Z":
                        answered.set()
                    continue
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            answered.set()
            if not silent.is_set():
                writer.close()


def is_commit(kind, body):
    """Whether a client's message asks for COMMIT, as a simple query or as the statement of an extended one."""
    if kind not in ("Q", "P"):
        return False
    statement = body.split(b"\0")[0 if kind == "Q" else 1]
    return statement.strip().rstrip(b";").upper().startswith(b"COMMIT")


class CutAtCommit:
    """Cuts at each so-and-so-many COMMITs, in the given way."""

    def __init__(self, how, every=5, times=None):
        self.how, self.every, self.times = how, every, times
        self.commits = self.done = 0

    def __call__(self, kind, body, number):
        if not is_commit(kind, body):
            return None
        self.commits += 1
        if self.commits % self.every or (self.times is not None and self.done >= self.times):
            return None
        self.done += 1
        return self.how


class CutInCopy:
    """Cuts within the data of a COPY, after so many messages of it since the last cut."""

    def __init__(self, how, every, dice=None):
        self.how, self.every, self.dice = how, every, dice
        self.messages = self.done = 0
        self.wanted = every

    def __call__(self, kind, body, number):
        if kind not in ("d", "c"):
            return None
        self.messages += 1
        if self.messages < self.wanted:
            return None
        self.messages = 0
        self.wanted = self.dice.randint(1, 2 * self.every) if self.dice else self.every
        self.done += 1
        return self.how


class CutAfterBytes:
    """Cuts each connection after so many bytes of its client, drawn anew for each connection."""

    def __init__(self, dice, least, most, times):
        self.dice, self.least, self.most, self.times = dice, least, most, times
        self.left = {}
        self.done = 0

    def __call__(self, kind, body, number):
        if self.done >= self.times:
            return None
        left = self.left.setdefault(number, self.dice.randint(self.least, self.most)) - len(body) - 5
        self.left[number] = left
        if left >= 0:
            return None
        self.done += 1
        return "within"
