"""Records by id or by what they point to, in as few calls as the shop allows: a hundred orders one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.woocommerce import articles
from ml_connector.connectors.woocommerce.client import DECIMALS, PER_PAGE, RouteMissing, Row, WooClient
from ml_connector.connectors.woocommerce.fields import id_of
from ml_connector.connectors.woocommerce.objects import (
    ORDER_BITS,
    MetaKeys,
    customer_object,
    order_object,
    refund_object,
    shop_object,
)
from ml_connector.errors import NotAuthorized, Rejected, UsageError

MAX_PAGES = 50  # of one list that hangs on one record, or of one bounded walk
BITS = ",".join(ORDER_BITS)
Answers = dict[str, SourceObject]


class Fetching:
    """Fetch and find for one shop."""

    def __init__(self, client: WooClient, keys: MetaKeys) -> None:
        self._client = client
        self._keys = keys

    def fetch(self, kind: str, external_ids: Sequence[str]) -> list[SourceObject | Absent]:
        """The present state of these records, one answer for each id, in their order."""
        readers: dict[str, Callable[[list[str]], Answers]] = {
            "order": self._orders,
            "refund": self._refunds,
            "customer": self._customers,
            articles.KIND: lambda ids: articles.fetch(self._client, ids),
            "shop": lambda _ids: {one.external_id: one for one in (self.shop(),) if one is not None},
        }
        read = readers.get(kind)
        if read is None:
            raise UsageError(f"WooCommerce has no records of kind {kind!r}.")
        found: Answers = {}
        for some in chunked(list(dict.fromkeys(external_ids)), PER_PAGE):
            found |= read(some)
        return [found.get(one) or Absent(kind, one, f"The shop has no such {kind}.") for one in external_ids]

    def find(self, kind: str, link: tuple[str, str]) -> list[SourceObject]:
        """Refunds by ("order", id), orders by ("customer", id), customers by ("email", address)."""
        name, value = link
        if (kind, name) == ("refund", "order") and id_of(value):
            rows = self.listed(f"/orders/{value}/refunds", {"dp": DECIMALS})
            return list(self.refunds([(value, row) for row in rows]))
        if (kind, name) == ("order", "customer") and id_of(value):
            return [
                order_object(row, self._keys) for row in self.listed("/orders", {"customer": value, "dp": DECIMALS})
            ]
        if (kind, name) == ("customer", "email"):
            rows = self.listed("/customers", {"email": value, "role": "all"})
            return [customer_object(row, self._keys) for row in rows]
        raise UsageError(f"WooCommerce cannot look for a {kind} by {name}.")

    def listed(self, path: str, params: dict[str, str], *, newer: bool = False) -> list[Row]:
        """All rows of a list that hangs on one record. Raises Rejected for one that does not end."""
        found: list[Row] = []
        for page in range(1, MAX_PAGES + 1):
            asked = {"orderby": "id", "order": "asc", **params, "per_page": str(PER_PAGE), "page": str(page)}
            rows = self._client.rows(path, asked, newer=newer)
            found += rows
            if len(rows) < PER_PAGE:
                return found
        raise Rejected(f"GET {path} has more than {MAX_PAGES} pages.", record=path)

    def refunds(self, rows: Sequence[tuple[str, Row]]) -> Iterator[SourceObject]:
        """Refunds, given as (order id, row), with the bits of their orders."""
        orders = self._bits(list(dict.fromkeys(order_id for order_id, _ in rows)))
        for order_id, row in rows:
            yield refund_object(row, order_id, orders.get(order_id))

    def shop(self) -> SourceObject | None:
        """The shop itself; None where the key's user may not see the settings (the key may still read orders)."""
        try:
            settings = {**self._settings("general"), **self._settings("tax")}
            currency = self._client.get("/data/currencies/current")
        except NotAuthorized:
            return None
        index = self._client.index()
        return shop_object(index, settings, currency if isinstance(currency, dict) else {})

    def _settings(self, group: str) -> dict[str, Any]:
        rows = self._client.rows(f"/settings/{group}", {"_fields": "id,value"})
        return {str(row["id"]): row.get("value") for row in rows if isinstance(row.get("id"), str)}

    def _orders(self, ids: list[str]) -> Answers:
        rows = self._included("/orders", ids, {"dp": DECIMALS})
        found = {one.external_id: one for one in (order_object(row, self._keys) for row in rows)}
        return {one: found[one] for one in ids if one in found}

    def _customers(self, ids: list[str]) -> Answers:
        asked = [one for one in ids if id_of(one) == one]
        if not asked:
            return {}
        params = {"include": ",".join(asked), "role": "all", "per_page": str(PER_PAGE), "orderby": "include"}
        rows = self._client.rows("/customers", params)
        made = (customer_object(row, self._keys) for row in rows)
        return {one.external_id: one for one in made if one.external_id in asked}

    def _refunds(self, ids: list[str]) -> Answers:
        """Refunds by `{order}:{refund}`: all in one call, or on an older shop one call an order."""
        pairs = {one: one.split(":") for one in ids if _is_pair(one)}
        if not pairs:
            return {}
        try:
            included = ",".join(refund_id for _, refund_id in pairs.values())
            params = {"include": included, "dp": DECIMALS, "per_page": str(PER_PAGE), "orderby": "include"}
            rows = [(str(row.get("parent_id")), row) for row in self._client.rows("/refunds", params, newer=True)]
        except RouteMissing:
            parents = list(dict.fromkeys(order_id for order_id, _ in pairs.values()))
            rows = [
                (parent, row)
                for parent in parents
                for row in self.listed(f"/orders/{parent}/refunds", {"dp": DECIMALS})
            ]
        wanted = [(parent, row) for parent, row in rows if f"{parent}:{id_of(row.get('id'))}" in pairs]
        return {one.external_id: one for one in self.refunds(wanted)}

    def _bits(self, order_ids: list[str]) -> dict[str, Row]:
        """What refunds need of their orders, by order id."""
        found: dict[str, Row] = {}
        for some in chunked([one for one in order_ids if id_of(one)], PER_PAGE):
            for row in self._included("/orders", some, {"_fields": BITS}):
                if (order_id := id_of(row.get("id"))) is not None:
                    found[order_id] = row
        return found

    def _included(self, path: str, ids: list[str], params: dict[str, str]) -> list[Row]:
        """Orders by id: one call; those in the trash, which lists leave out, by one more; then one by one."""
        asked = [one for one in ids if id_of(one) == one]
        found: list[Row] = []
        for status in ("any", "trash"):
            if missing := _missing(asked, found):
                listed = {
                    **params,
                    "include": ",".join(missing),
                    "status": status,
                    "orderby": "include",
                    "per_page": str(PER_PAGE),
                }
                found += [row for row in self._client.rows(path, listed) if id_of(row.get("id")) in missing]
        for one in _missing(asked, found):
            row = self._client.one(f"{path}/{one}", params, operation=f"GET {path}/{{id}}")
            found += [row] if row is not None else []
        return found


def chunked(ids: list[str], size: int) -> Iterator[list[str]]:
    """The ids in pieces of at most `size`."""
    for begin in range(0, len(ids), size):
        yield ids[begin : begin + size]


def _missing(asked: list[str], found: list[Row]) -> list[str]:
    there = {id_of(row.get("id")) for row in found}
    return [one for one in asked if one not in there]


def _is_pair(external_id: str) -> bool:
    order_id, colon, refund_id = external_id.partition(":")
    return bool(colon) and id_of(order_id) == order_id and id_of(refund_id) == refund_id
