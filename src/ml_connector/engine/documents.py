"""Documents translated lately: what reading has just read, planning need not parse and translate again.

The one read first goes first, used or not: what was planned is hardly needed again, what waits to be planned is.

Translating is pure, so a payload's hash names its document for good. Losing this memory costs time only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from ml_connector.connectors.shapes import Translate
from ml_connector.finance.documents import Document

Name = tuple[Translate, str, str]
"""The system's translation, the kind and the hash of the payload."""


class Documents:
    """The documents last read. Safe between threads."""

    MAX = 3_000  # a round of planning with the orders around it; about 5 kB each

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Name, Document] = OrderedDict()  # as they came: a plain dict is slow to lose its first

    def of(self, name: Name, translate: Callable[[], Document]) -> Document:
        """The remembered document, else the one `translate` makes. What it raises is not remembered."""
        with self._lock:
            known = self._known.get(name)
        if known is not None:
            return known
        made = translate()
        with self._lock:
            self._known[name] = made
            if len(self._known) > self.MAX:
                self._known.popitem(last=False)
        return made
