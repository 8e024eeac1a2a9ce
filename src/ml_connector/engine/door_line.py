"""Doors asked for over a line: the process that only takes webhooks in has neither database nor master key.

One line of JSON for each question and answer, between two processes of one install. Answers hold signature keys: they
go through a pipe and are never logged.
"""

from __future__ import annotations

import itertools
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeAlias

from ml_connector.connectors import webhooks_of
from ml_connector.engine.door import Lookup, OpenDoor, with_opinion
from ml_connector.errors import ConnectorError, StorageUnavailable

Said: TypeAlias = Mapping[str, Any]
PATIENCE_S = 10.0

_OF_A_DOOR = ("door_id", "connector", "workspace_id", "connection_id", "url", "keys", "body_limit")


class DoorLine:
    """A `Lookup` that asks. `say` sends one message, safe between threads; `heard` is given what comes back."""

    def __init__(
        self, say: Callable[[Said], object], conceal: Callable[[str], object], *, patience_s: float = PATIENCE_S
    ) -> None:
        self._say = say
        self._conceal = conceal
        self._patience_s = patience_s
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._asked: dict[int, Future[Said]] = {}

    def door(self, path_secret: str) -> OpenDoor | None:
        found = self._ask({"door": path_secret})
        if found is None:
            return None
        for key in found["keys"]:
            self._conceal(key)
        facts = {name: found[name] for name in _OF_A_DOOR} | {"keys": tuple(found["keys"])}
        return OpenDoor(**facts, webhooks=with_opinion(self, webhooks_of(found["connector"]), found["connection_id"]))

    def account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        at = [door.door_id, door.connector, door.workspace_id, door.connection_id]
        found = self._ask({"account": account_ref, "at": at})
        return (found[0], found[1]) if found else None

    def vouch(self, connection_id: str, key: str, headers: Mapping[str, str], body: bytes) -> bool:
        """The process that has the credentials asks. No answer in time: nothing was said."""
        asked = {"vouch": connection_id, "key": key, "headers": dict(headers), "body": b64encode(body).decode()}
        try:
            return bool(self._ask(asked))
        except StorageUnavailable:
            return False

    def heard(self, answer: Said) -> None:
        """An answer came. One that nobody waits for any more is dropped."""
        with self._lock:
            waiting = self._asked.pop(answer["answer"], None)
        if waiting is not None:
            waiting.set_result(answer)

    def _ask(self, question: Said) -> Any:
        number = next(self._numbers)
        waiting: Future[Said] = Future()
        with self._lock:
            self._asked[number] = waiting
        try:
            self._say({"ask": number, **question})
            answer = waiting.result(self._patience_s)
        except (OSError, TimeoutError) as problem:
            raise StorageUnavailable("The main process did not say whose door this is.") from problem
        finally:
            with self._lock:
                self._asked.pop(number, None)
        if "failed" in answer:
            raise StorageUnavailable(answer["failed"])
        return answer["found"]


def answer_to(question: Said, lookup: Lookup) -> Said:
    """What the process that has the database answers."""
    try:
        return {"answer": question["ask"], "found": _found(question, lookup)}
    except ConnectorError as fault:
        return {"answer": question["ask"], "failed": fault.what}


def _found(question: Said, lookup: Lookup) -> Any:
    if "vouch" in question:
        body = b64decode(question["body"])
        return lookup.vouch(question["vouch"], question["key"], question["headers"], body)
    if "door" in question:
        door = lookup.door(question["door"])
        return None if door is None else {name: getattr(door, name) for name in _OF_A_DOOR}
    door_id, connector, workspace_id, connection_id = question["at"]
    webhooks = webhooks_of(connector)
    door = OpenDoor(door_id, connector, workspace_id, connection_id, "", (), webhooks, 0)
    return lookup.account(door, question["account"])
