"""A line to a real HTTP server that fails when told: busy, cut, short of bytes, or silent."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


class Failure(Enum):
    """What becomes of one request."""

    BUSY = "answered 503, not passed on"
    BUSY_AFTER = "passed on, answered 503"
    RESET = "cut, not passed on"
    RESET_AFTER = "passed on, cut before the answer"
    SHORT = "passed on, cut in the middle of the answer's body"
    SILENT = "passed on, never answered"
    FULL = "answered 507, not passed on"


@dataclass
class Fault:
    """Requests that fail.

    Attributes:
        failure: How.
        method: Of the requests.
        path: Part of their path.
        times: How many of them.
        after: How many of them pass first.
    """

    failure: Failure
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Return whether this request fails, and count it."""
        if self.method not in {"", method} or self.path not in path or not self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class FaultyLine:
    """The proxy.

    Attributes:
        endpoint: Its address, with the path of the server's.
        faults: Faults to come; the first that fits a request strikes.
        requests: Method and path of every request so far.
        struck: How many requests failed.
    """

    endpoint: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    struck: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _closing: threading.Event = field(default_factory=threading.Event, repr=False)

    def fails(self, failure: Failure, method: str = "", path: str = "", times: int = 1) -> None:
        """Let requests fail from now on."""
        with self._lock:
            self.faults.append(Fault(failure, method, path, times))

    def judged(self, method: str, path: str) -> Failure | None:
        """Return what becomes of a request."""
        with self._lock:
            self.requests.append((method, path))
            fault = next((one for one in self.faults if one.strikes(method, path)), None)
            self.struck += fault is not None
            return None if fault is None else fault.failure

    def hold(self) -> None:
        """Keep silent until the proxy ends."""
        self._closing.wait()

    def close(self) -> None:
        """Let go of every request that is held."""
        self._closing.set()


@contextmanager
def faulty_line(endpoint: str) -> Iterator[FaultyLine]:
    """Run a proxy to ``http://host:port/path`` for the time of the context."""
    target = urlsplit(endpoint)

    class Handler(_Handler):
        upstream = (str(target.hostname), int(target.port or 80))

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        line = FaultyLine(f"http://127.0.0.1:{server.server_port}{target.path}")
        Handler.line = line
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield line
        finally:
            line.close()
            server.shutdown()
            serving.join()


class _Handler(BaseHTTPRequestHandler):
    """Passes a request on as it is: its signature stays valid, since the Host header is signed."""

    line: FaultyLine
    upstream: tuple[str, int]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        failure = self.line.judged(self.command, self.path)
        match failure:
            case Failure.BUSY:
                self._answer(503, {}, b"")
            case Failure.FULL:
                self._answer(507, {}, b"")
            case Failure.RESET:
                self._cut()
            case _:
                self._pass_on(body, failure)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names it calls

    def _pass_on(self, body: bytes, failure: Failure | None) -> None:
        server = http.client.HTTPConnection(*self.upstream, timeout=60)
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers.items():
                server.putheader(key, value)
            server.endheaders(body)
            answer = server.getresponse()
            said, headers = answer.read(), dict(answer.getheaders())
        finally:
            server.close()
        match failure:
            case Failure.BUSY_AFTER:
                self._answer(503, {}, b"")
            case Failure.RESET_AFTER:
                self._cut()
            case Failure.SILENT:
                self.line.hold()
                self._cut()
            case Failure.SHORT:
                self._answer(answer.status, headers, said, sent=len(said) // 2)
                self._cut()
            case _:
                self._answer(answer.status, headers, said)

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None
    ) -> None:
        with suppress(OSError):
            self.send_response_only(status)
            length = str(len(body))
            for key, value in headers.items():
                if self.command == "HEAD" and key.lower() == "content-length":
                    length = value
                if key.lower() not in _HOP:
                    self.send_header(key, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[:sent])
            self.wfile.flush()

    def _cut(self) -> None:
        """Reset the connection, so that no byte after this is taken for an end."""
        self.close_connection = True
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
