"""The HTTP door over real sockets: what was surely not sent, what nobody knows, and what is never let in."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from ml_connector.connectors import http
from ml_connector.connectors.http import Http, Reach
from ml_connector.errors import HostRefused, Transient, UnknownOutcome, UsageError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Says the next of its replies to each request, over kept connections; None closes without a word."""

    def __init__(self, replies: list[bytes | None]) -> None:
        self.replies = replies
        self.requests: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _request(connection):
                self.requests.append(request)
                reply = self.replies.pop(0)
                if reply is None:
                    return
                connection.sendall(reply)
                if b"Content-Length: 9" in reply or b"close-now" in reply:
                    return


def _request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        part = connection.recv(65536)
        if not part:
            return b""
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[Http, Server]]]:
    """A door to a server with these replies."""
    with contextlib.ExitStack() as stack:

        def start(*replies: bytes | None, timeout_s: float = 5.0) -> tuple[Http, Server]:
            server = Server(list(replies))
            stack.callback(server.close)
            door = Http(Reach(server.url, frozenset(), frozenset({server.url})), timeout_s=timeout_s)
            stack.callback(door.close)
            return door, server

        yield start


def get(door: Http, path: str = "/v1/x", **more: object) -> http.Answer:
    return door.send("GET", path, operation="GET x", **more)  # type: ignore[arg-type]


def post(door: Http, content: object = None) -> http.Answer:
    return door.send("POST", "/v1/x", operation="POST x", content=content)


def test_a_call_says_who_we_are_and_what_is_asked(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(OK, OK)
    assert get(door, params={"since": ">= 2026-01-01 æ", "page": "1"}).json() == {}
    assert door.send("POST", "/v1/æ b/(x)", operation="x", headers={"Authorization": "Bearer t"}, content={"a": 1}).ok
    first, second = (request.split(b"\r\n") for request in server.requests)
    assert first[0] == b"GET /v1/x?since=%3E%3D+2026-01-01+%C3%A6&page=1 HTTP/1.1"
    assert b"User-Agent: ml-connector/0.1" in first
    assert b"Host: " + server.url.encode().removeprefix(b"http://") in first
    assert second[0] == b"POST /v1/%C3%A6%20b/(x) HTTP/1.1"
    assert {b"Authorization: Bearer t", b"Content-Type: application/json", b"Content-Length: 7"} <= set(second)
    assert second[-1] == b'{"a":1}'


def test_a_connection_is_kept_between_calls(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(OK, OK, OK)
    for _ in range(3):
        assert get(door).ok
    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_is_not_used_again(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(OK.replace(b"200 OK", b"200 close-now"), OK)
    assert get(door).ok
    threading.Event().wait(0.05)  # the end of a connection travels, too
    assert post(door).ok
    assert server.connections == 2


def test_an_answer_without_a_length_or_in_chunks_is_read_to_its_end(served) -> None:  # type: ignore[no-untyped-def]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n"
    door, _ = served(chunked, b"HTTP/1.0 200 close-now\r\n\r\n[3]")
    assert get(door).json() == [1, 2]
    assert get(door).json() == [3]


def test_a_header_that_comes_twice_is_one(served) -> None:  # type: ignore[no-untyped-def]
    door, _ = served(b"HTTP/1.1 200 OK\r\nLink: <a>\r\nLINK: <b>\r\nContent-Length: 0\r\n\r\n")
    assert get(door).headers["link"] == "<a>, <b>"


def test_a_redirect_is_an_answer_and_nobody_follows_it(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert get(door).status == 302
    assert len(server.requests) == 1


def test_another_address_is_refused_before_anything_is_sent(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(OK)
    for path in ("http://127.0.0.1:1/v1/x", "https://example.com/", f"http://somebody@{server.url[7:]}/"):
        with pytest.raises(HostRefused):
            get(door, path)
    assert not server.requests


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    door = Http(Reach(url, frozenset(), frozenset({url})))
    with pytest.raises(Transient):
        post(door, {})


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 close-now\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
        b"HTTP/1.1 200 close-now\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nnone",
        b"HTTP/1.1 200 close-now\r\nContent-Length: 4\r\nContent-Encoding: br\r\n\r\nnone",
        b"HTTP/1.1 103 close-now\r\nLink: </a>\r\n\r\n",
        b"what is this close-now\r\n\r\n",
    ],
)
def test_a_write_whose_answer_is_cut_or_senseless_has_an_unknown_outcome(served, reply) -> None:  # type: ignore[no-untyped-def]
    door, _ = served(reply, reply)
    with pytest.raises(UnknownOutcome):
        post(door, {})
    with pytest.raises(Transient):
        get(door)


def test_an_answer_that_does_not_come_in_time_is_not_waited_for(served) -> None:  # type: ignore[no-untyped-def]
    door, _ = served(b"HTTP/1.1 200 OK\r\n", b"", timeout_s=0.05)
    with pytest.raises(UnknownOutcome):
        post(door)
    with pytest.raises(Transient):
        get(door)


def test_a_zipped_answer_is_unpacked(served) -> None:  # type: ignore[no-untyped-def]
    body = gzip.compress(b"[1") + gzip.compress(b",2]")
    door, server = served(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert get(door).json() == [1, 2]
    assert b"Accept-Encoding: gzip" in server.requests[0]


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_too_large_is_not_let_in(served, packed) -> None:  # type: ignore[no-untyped-def]
    body = b" " * (http.MAX_ANSWER_BYTES + 1)
    sent = gzip.compress(body, 1) if packed else b""
    coding = b"Content-Encoding: gzip\r\n" if packed else b""
    length = len(sent) if packed else len(body)
    door, _ = served(b"HTTP/1.1 200 close-now\r\n%sContent-Length: %d\r\n\r\n%s" % (coding, length, sent))
    with pytest.raises(UnknownOutcome, match="larger than"):
        get(door)


def test_what_no_request_can_say_is_refused_before_anything_is_sent(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(OK)
    with pytest.raises(UsageError):
        door.send("POST", "/v1/x", operation="x", headers={"X": "a\r\nb"})
    assert not server.requests
    assert get(door).ok


def test_many_threads_share_the_connections(served) -> None:  # type: ignore[no-untyped-def]
    door, server = served(*[OK] * 200)
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.extend(get(door).ok for _ in range(20))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 200
    assert server.connections <= 10
