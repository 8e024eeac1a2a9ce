"""What stored writes refer to: documents whose numbers are filled in when they are sent."""

from __future__ import annotations

import json
from typing import Any

from ml_connector.finance.invoices import Ref
from ml_connector.store.writes import Write


def refs_of(write: Write) -> list[Ref]:
    """What a write stands on: the documents that its content refers to."""
    found: list[Ref] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) == {"ref", "field"}:
                found.append(Ref(value["ref"], value["field"]))
            else:
                for one in value.values():
                    walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(json.loads(write.content)["content"])
    return found


def refers_to(write: Write) -> set[str]:
    """The keys of the writes that this one stands on."""
    return {ref.key for ref in refs_of(write)} if '"ref"' in write.content else set()
