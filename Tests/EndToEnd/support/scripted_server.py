"""An HTTP server whose answers are a Python function, and a proxy that notes who is asked for."""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass
class Request:
    """One request as it stood on the wire."""

    method: str
    path: str
    headers: dict
    user: str
    #: How often this user has been asked for, this request included.
    attempt: int


@dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"Item":[]}'
    headers: dict = field(default_factory=dict)
    #: Seconds in front of the answer.
    delay: float = 0
    #: Close the connection instead of answering.
    reset: bool = False


def endpoints(user, count=1):
    """An answer with so many plain endpoints."""
    items = [
        {
            "Address": f"{user}-{number}@example.com",
            "ApplicationId": "0123456789abcdef0123456789abcdef",
            "Attributes": {"Interests": ["reading", "sailing"]},
            "ChannelType": "EMAIL",
            "Id": f"{user}/{number}",
            "Metrics": {"visits": number},
            "User": {"UserId": user, "UserAttributes": {"tier": ["gold"]}},
        }
        for number in range(count)
    ]
    return Answer(body=json.dumps({"Item": items}, ensure_ascii=False).encode())


def error(status, code, message, **options):
    """An error as the service words it."""
    body = json.dumps({"Message": message, "RequestID": "6e1f8e5c-0000-4000-8000-000000000001"}).encode()
    return Answer(status, body, {"x-amzn-ErrorType": code, "Content-Type": "application/json"}, **options)


class LoopThread:
    """An asyncio server on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.call(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def serve(self, reader, writer):
        try:
            await self.converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def stop(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()

        if self.loop.is_running():
            self.call(end())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)


class ScriptedServer(LoopThread):
    """Answers each request with `answer(request)`, which may be changed while the server runs."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = Counter()
        #: (seconds on the monotonic clock, user) of every request, in order of arrival.
        self.log = []
        self.requests = []
        super().__init__()

    async def converse(self, reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = {}
            for line in lines[1:]:
                if line:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
            user = unquote(path.rsplit("/", 1)[-1])
            self.asked[user] += 1
            self.log.append((time.monotonic(), user))
            request = Request(method, path, headers, user, self.asked[user])
            self.requests.append(request)
            answer = self.answer(request)
            if answer.delay:
                await asyncio.sleep(answer.delay)
            if answer.reset:
                writer.transport.abort()
                return
            fields = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
            text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            writer.write(f"HTTP/1.1 {answer.status} Answer\r\n{text}\r\n".encode() + answer.body)
            await writer.drain()


REQUEST_LINE = re.compile(rb"GET /v1/apps/[^/ ]+/users/(\S+) HTTP/1\.1\r\n")


class CountingProxy(LoopThread):
    """Passes connections on to another port, and notes the users that are asked for."""

    def __init__(self, port):
        self.target = port
        self.asked = []
        super().__init__()

    async def converse(self, reader, writer):
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.target)
        back = asyncio.ensure_future(self.pass_on(upstream_reader, writer))
        held = b""
        try:
            while data := await reader.read(65536):
                held += data
                self.asked += [unquote(found.decode()) for found in REQUEST_LINE.findall(held)]
                end = held.rfind(b"\r\n\r\n")
                if end >= 0:
                    held = held[end + 4 :]
                elif len(held) > 1 << 16:
                    held = b""
                upstream_writer.write(data)
                await upstream_writer.drain()
        finally:
            upstream_writer.close()
            back.cancel()

    async def pass_on(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def well(request):
    """Answers for everybody: one endpoint."""
    return endpoints(request.user)


def slow(seconds):
    """The same, after so long."""

    def answer(request):
        found = well(request)
        found.delay = seconds
        return found

    return answer
