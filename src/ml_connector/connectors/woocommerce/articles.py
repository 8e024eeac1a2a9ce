"""Articles: what a line of an order sells, as the shop lists it. Read by the ids that orders name, never whole.

An order names the product, and its variation beside it; categories are the product's. A record is `{"id", "product"}`
with the few fields that count. `product` is null where the shop lists nothing of that id, `hidden` true where the key
may not read products: both are answers, and kept, so that nobody asks again for each order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import Held, Page, SourceObject
from ml_connector.connectors.woocommerce.client import PER_PAGE, WooClient
from ml_connector.connectors.woocommerce.fields import Fields, id_of, plain
from ml_connector.connectors.woocommerce.positions import Position, dump, load
from ml_connector.errors import NotAuthorized
from ml_connector.finance.documents import Article

KIND = "article"
PAGES = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = "id,name,categories,date_modified_gmt"


def fetch(client: WooClient, ids: Sequence[str]) -> dict[str, SourceObject]:
    """These products as they are now, one answer for each that is an id: one call for a hundred."""
    asked = [one for one in ids if id_of(one) == one]
    try:
        found = {one.external_id: one for one in _read(client, asked)} if asked else {}
    except NotAuthorized:
        return {one: _object({"id": one, "product": None, "hidden": True}) for one in asked}
    return {one: found.get(one) or _object({"id": one, "product": None}) for one in asked}


def next_page(client: WooClient, text: str | None, *, held: Held) -> Page:
    """The articles that we hold, read again: a renamed category changes no product. Who holds none pays no call.

    One that is listed no more stays as it was known: late orders and refunds of it still come.
    """
    names, done = sorted(held(KIND, EPOCH)), load(text).walked
    given = names[done : done + PAGES * PER_PAGE]
    found: list[SourceObject] = []
    for start in range(0, len(given), PER_PAGE):
        several = fetch(client, given[start : start + PER_PAGE]).values()
        found += [one for one in several if one.payload["product"] is not None]
    more = done + len(given) < len(names)
    return Page(tuple(found), (), dump(Position(walked=done + len(given)) if more else Position()), more=more)


def article_of(article: Fields) -> Article:
    """The article of a record: its categories as the shop lists them, without those above them."""
    id_ = article.id("id")
    product = article.part_or_none("product")
    if product is None:
        return Article(id_, "hidden" if article.flag_or_none("hidden") else "unknown")
    names = (plain(one.text("name")) for one in product.parts("categories"))
    return Article(id_, "known", plain(product.text("name")), categories=tuple(dict.fromkeys(filter(None, names))))


def _read(client: WooClient, ids: Sequence[str]) -> Iterator[SourceObject]:
    for start in range(0, len(ids), PER_PAGE):
        some = ids[start : start + PER_PAGE]
        params = {"include": ",".join(some), "per_page": str(PER_PAGE), "orderby": "include", "_fields": _FIELDS}
        for row in client.rows("/products", params):
            if (id_ := id_of(row.get("id"))) is not None:
                kept = {name: row[name] for name in ("name", "categories") if name in row}
                yield _object({"id": id_, "product": kept}, stamp=str(row.get("date_modified_gmt") or ""))


def _object(payload: dict[str, Any], *, stamp: str = "") -> SourceObject:
    return SourceObject(KIND, str(payload["id"]), payload, stamp, EPOCH)
