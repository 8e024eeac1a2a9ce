"""A shop that is stricter than the real one: what a real shop silently ignores is here a failure of the test.

Filters are exclusive and know whole seconds, trash is hidden, carts are not, rows of one second come in any order.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.shapes import Held, Page, SourceObject
from ml_connector.connectors.woocommerce.addresses import open_http
from ml_connector.connectors.woocommerce.counting import nothing_held
from ml_connector.connectors.woocommerce.reader import WooReader, open_reader
from tests.connectors.woocommerce import payloads as woo

BASE = "https://shop.example/butikk"
START = datetime(2026, 2, 1, 12, tzinfo=UTC)
CREDENTIALS = {"consumer_key": "ck_demo", "consumer_secret": "cs_demo"}
LISTS = frozenset({"page", "per_page", "offset", "order", "orderby", "include", "_fields"})
TIMES = frozenset({"after", "before", "modified_after", "modified_before", "dates_are_gmt"})
KNOWN = {
    "orders": LISTS | TIMES | {"status", "dp", "customer"},
    "refunds": LISTS | TIMES | {"dp"},
    "customers": LISTS | {"role", "email"},
    "webhooks": LISTS | {"status"},
}
STAMPS = {"modified": "date_modified_gmt", "date": "date_created_gmt", "id": "id"}
MISLEADING = {
    "Link": '<https://elsewhere.example/wp-json/wc/v3/orders?page=2>; rel="next"',
    "X-WP-Total": "1",
    "X-WP-TotalPages": "1",
}
"""Headers that a proxy or the site's own idea of its address may spoil: nobody should heed them."""
Reply = Callable[[httpx2.Request], httpx2.Response]


def gmt(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def wrong(status: int, code: str) -> httpx2.Response:
    return httpx2.Response(status, json={"code": code, "message": "Nei", "data": {"status": status}})


@dataclass
class StrictShop:
    """Rows by list. `asked` holds (method, path, parameters); `answers` replaces the answer of a path."""

    clock: HandClock = field(default_factory=lambda: HandClock(START))
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"orders": [], "refunds": [], "customers": [], "webhooks": []}
    )
    answers: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    seed: int = 1
    root: str = "/wp-json"
    before_each: Callable[[], None] | None = None
    held: Held = nothing_held

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.http = open_http(BASE, {}, transport=httpx2.MockTransport(self._on))

    # ------------------------------------------------------------------------------------------ what a test does

    def add_order(self, id_: int, modified: datetime, **more: Any) -> dict[str, Any]:
        stamps = {"date_modified_gmt": gmt(modified), "date_created_gmt": gmt(more.pop("created", modified))}
        row = woo.order(id=id_, **{**stamps, **more})
        self.rows["orders"].append(row)
        return row

    def add_refund(self, id_: int, order_id: int, created: datetime) -> dict[str, Any]:
        row = woo.refund_row(id=id_, parent_id=order_id, date_created_gmt=gmt(created))
        self.rows["refunds"].append(row)
        return row

    def remove(self, name: str, id_: int) -> None:
        self.rows[name] = [row for row in self.rows[name] if row["id"] != id_]

    def reader(self, **settings: str) -> WooReader:
        """As after a restart: nothing remembered."""
        made = open_reader(self.http, CREDENTIALS, settings, clock=self.clock)
        made.compare_with(self.held)
        return made

    def poll(self, stream: str, position: str | None = None, **given: Any) -> tuple[list[SourceObject], str]:
        """All pages of one poll with what they name; each page by a fresh reader, so that nothing rests on memory."""
        found: list[SourceObject] = []
        for _ in range(300):
            page: Page = self.reader().page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            for name in page.named:
                found += [
                    one for one in self.reader().fetch(name.kind, [name.external_id]) if isinstance(one, SourceObject)
                ]
            position = page.position
            if not page.more:
                return found, position
        raise AssertionError("the poll does not end")

    def to(self, path: str) -> list[dict[str, str]]:
        return [params for _, where, params in self.asked if where == path]

    # ------------------------------------------------------------------------------------------ what the shop does

    def _on(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        params = dict(request.url.params)
        path = request.url.path.removeprefix("/butikk")
        if not path.startswith(self.root + "/"):
            return httpx2.Response(404, html="<h1>Ikke funnet</h1>")
        path = path.removeprefix(self.root).removeprefix("/wc/v3")
        self.asked.append((request.method, path, params))
        if self.before_each is not None:
            self.before_each()
        if path in self.answers:
            return self.answers[path](request)
        expected = "Basic " + base64.b64encode(b"ck_demo:cs_demo").decode()
        if request.headers.get("authorization") != expected:
            return wrong(401, "woocommerce_rest_cannot_view")
        return self._routed(request.method, path.strip("/").split("/"), params)

    def _routed(self, method: str, parts: list[str], params: dict[str, str]) -> httpx2.Response:
        assert method == "GET", "this reader only reads"
        name = parts[0]
        if len(parts) == 1 and name in self.rows:
            return self._list(name, params)
        if len(parts) == 2 and name in self.rows:
            found = [row for row in self.rows[name] if str(row["id"]) == parts[1]]
            return _answer(found[0], params) if found else wrong(404, "woocommerce_rest_shop_order_invalid_id")
        if len(parts) == 3 and parts[2] == "refunds":
            refunds = [row for row in self.rows["refunds"] if str(row["parent_id"]) == parts[1]]
            return _answer(refunds if params.get("page", "1") == "1" else [], params)
        return wrong(404, "rest_no_route")

    def _list(self, name: str, params: dict[str, str]) -> httpx2.Response:
        unknown = set(params) - KNOWN[name]
        assert not unknown, f"{name} does not know {unknown}: a real shop would give everything"
        if int(params.get("per_page", "10")) > 100:
            return wrong(400, "rest_invalid_param")
        rows = [row for row in self.rows[name] if _wanted(row, params, name)]
        by = STAMPS.get(params.get("orderby", "id"), "id")
        self.chance.shuffle(rows)  # ties come as they like
        rows.sort(key=lambda row: row[by] or "", reverse=params.get("order", "desc") == "desc")
        size = int(params.get("per_page", "10"))
        begin = int(params["offset"]) if "offset" in params else (int(params.get("page", "1")) - 1) * size
        return _answer(rows[begin : begin + size], params)


def _wanted(row: dict[str, Any], params: dict[str, str], name: str) -> bool:
    if name == "orders":
        status = params.get("status", "any")
        if (row["status"] == "trash") if status == "any" else (row["status"] != status):
            return False
    if "include" in params and str(row["id"]) not in params["include"].split(","):
        return False
    for key, stamp, sign in (
        ("after", "date_created_gmt", 1), ("before", "date_created_gmt", -1),
        ("modified_after", "date_modified_gmt", 1), ("modified_before", "date_modified_gmt", -1),
    ):  # fmt: skip
        if key in params:
            assert params.get("dates_are_gmt") == "true", "a naive time would be read as the shop's own"
            asked = datetime.strptime(params[key], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)  # Z would shift it
            moment = datetime.fromisoformat(row[stamp]).replace(tzinfo=UTC)
            if (moment - asked) * sign <= timedelta(0):
                return False
    return True


def _answer(content: Any, params: dict[str, str]) -> httpx2.Response:
    rows = content if isinstance(content, list) else [content]
    if "_fields" in params:
        wanted = params["_fields"].split(",")
        shown = [{key: value for key, value in row.items() if key in wanted} for row in rows]
    else:
        shown = [{**row, "_links": {"self": [{"href": "https://elsewhere.example"}]}} for row in rows]
    body = json.dumps(shown if isinstance(content, list) else shown[0], default=float)
    return httpx2.Response(200, content=body.encode(), headers=MISLEADING)
