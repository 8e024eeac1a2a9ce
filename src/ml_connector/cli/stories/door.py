"""A story's webhook door: the engine's own door and inbox behind a small server of the standard library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import TimeoutError as TooLate
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ml_connector.engine.door import MAX_BODY_BYTES, Doors
from ml_connector.engine.works import Works
from ml_connector.errors import BadSignature, ConnectorError, TooLarge, Untranslatable
from ml_connector.store.inbox_writer import InboxWriter

COMMIT_LIMIT_S = 10.0


@contextmanager
def listening(works: Works) -> Iterator[tuple[str, Doors]]:
    """A door on a free port of this machine: (its public address, the doors behind it)."""
    doors, writer = Doors(works), InboxWriter(works.database)

    class Ringing(BaseHTTPRequestHandler):
        """One delivery: verify the very bytes, keep what they say changed, and only then answer 200."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answer one delivery."""
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(min(length, MAX_BODY_BYTES + 1))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(_receive(doors, writer, self.path, body, headers=headers))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Quiet: the inbox tells what came."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ringing)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="door", daemon=True)
    writer.start()
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", doors
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        writer.stop()


def _receive(doors: Doors, writer: InboxWriter, path: str, body: bytes, *, headers: dict[str, str]) -> int:
    """The status of one delivery."""
    door = doors.find(path.rpartition("/")[2])
    if door is None:
        return 404
    try:
        kept = [writer.submit(notice) for notice in doors.receive(door, body, headers)]
        for one in kept:
            one.result(COMMIT_LIMIT_S)
    except BadSignature:
        return 401
    except TooLarge:
        return 413
    except Untranslatable:
        return 400
    except (ConnectorError, TooLate):
        return 503  # nothing was promised: the vendor sends it again
    return 200
