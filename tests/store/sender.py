"""A process that takes in notices and prints the id of each one it has been told is stored, until it is killed.

Run as `python -m tests.store.sender DATABASE_URL`.
"""

from __future__ import annotations

import sys
import threading

from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.notices import Notice

SENDERS = 8


def send(writer: InboxWriter, sender: int) -> None:
    for number in range(1_000_000):
        name = f"{sender}-{number}"
        arrived = Notice(id=name, door_id="D", kind="payment", external_id=name, received_at=1, event_id=name)
        if writer.submit(arrived).result() == "stored":
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()


def main(url: str) -> None:
    writer = InboxWriter(Database(url))
    writer.start()
    for sender in range(SENDERS):
        threading.Thread(target=send, args=(writer, sender), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
