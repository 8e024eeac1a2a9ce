"""Articles: what a line of an order sells, as the catalogue has it. Read by the ids that orders name, never whole.

An order line names a variation; its item has the categories, and a category those above it. So a record of ours is put
together from three: `{"id", "variation", "item", "categories"}`, each Square's own object, the item without the list of
all its variations. `variation` is null where the catalogue has nothing of that id, `hidden` true where Square does not
show it to us: both are answers, and kept, so that nobody asks again for each sale.

Of an item's categories its reporting category counts, by which Square's own sales reports are made; all of them where
it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.shapes import Held, Page, SourceObject
from ml_connector.connectors.square.client import FeatureOff, Row, SquareClient
from ml_connector.connectors.square.fields import Fields, moment_of
from ml_connector.connectors.square.objects import EPOCH
from ml_connector.connectors.square.positions import Lane, Position, dump, load
from ml_connector.finance.documents import Article

KIND = "article"
BATCH = 100  # ids of one call; Square names no limit for this one, orders have this
AT_ONCE = 1000  # articles of one page when they are read again
LAG = timedelta(seconds=60)
_ALL = "*"


def fetch(client: SquareClient, ids: Sequence[str]) -> list[SourceObject]:
    """These articles as they are now, one answer for each id: two calls for a hundred that are not read yet."""
    try:
        found = _read(client, list(dict.fromkeys(ids)))
    except FeatureOff:
        return [_object({"id": id_, "variation": None, "hidden": True}) for id_ in ids]
    nothing: Row = {"variation": None, "item": None, "categories": []}
    return [_object(found.get(id_) or {"id": id_, **nothing}) for id_ in ids]


def next_page(client: SquareClient, text: str | None, *, now: datetime, held: Held) -> Page:
    """The articles that we hold, read again where the catalogue has changed. Who holds none pays no call.

    A renamed category changes none of its items, so all that are held are read: a hundred in two calls. One that was
    deleted meanwhile stays as it was known: late sales and refunds of it still come.
    """
    position, names = load(text), sorted(held(KIND, EPOCH))
    if not names:
        return Page((), (), dump(Position()), more=False)
    if not position.place:
        try:
            changed, position = _looked(client, position, now=now)
        except FeatureOff:  # whoever is let in again reads all of them anew
            return Page((), (), dump(Position()), more=False)
        if not changed:
            return Page((), (), dump(position), more=False)
    given = [name for name in names if name > position.place][:AT_ONCE]
    more = bool(given) and given[-1] < names[-1]
    after = Position(lanes=position.lanes, place=given[-1] if more else "", walked=position.walked)
    found = fetch(client, given)
    if position.walked:  # they were read before
        found = [one for one in found if (sold := one.payload["variation"]) and not sold.get("is_deleted")]
    return Page(tuple(found), (), dump(after if more else Position(lanes=after.lanes, walked=1)), more=more)


def article_of(article: Fields) -> Article:
    """The article of a record. A category without a name is none."""
    id_ = article.id("id")
    variation, item = article.part_or_none("variation"), article.part_or_none("item")
    sold = variation.part_or_none("item_variation_data") if variation is not None else None
    if variation is None or (sold is None and item is None):  # of what was deleted little may be left
        return Article(id_, "hidden" if article.flag("hidden") else "unknown")
    of = item.part_or_none("item_data") if item is not None else None
    names = (of.text("name").strip() if of is not None else "", sold.text("name").strip() if sold is not None else "")
    return Article(
        id=id_,
        state="known",
        name=", ".join(filter(None, names)),
        sku=sold.text("sku").strip() if sold is not None else "",
        categories=tuple(dict.fromkeys(_named(article.parts("categories")))),
    )


def _looked(client: SquareClient, position: Position, *, now: datetime) -> tuple[bool, Position]:
    """Whether the catalogue has changed since we looked, and the mark for next time. The first look reads all."""
    lane = position.lanes.get(_ALL)
    changed, latest = client.catalogue_changed(lane.mark if lane is not None else now - LAG)
    mark = moment_of(latest) or now - LAG
    return changed or lane is None, Position(lanes={_ALL: Lane(mark)}, walked=position.walked)


def _read(client: SquareClient, ids: Sequence[str]) -> dict[str, Row]:
    """What the catalogue has of these ids: variations with their items, then the categories of all those items."""
    objects, related = _each(ids, client.catalogue)
    by_id = {str(row.get("id")): row for row in (*related, *objects)}
    items = {id_: _item_of(by_id[id_], by_id) for id_ in ids if id_ in by_id}
    named = {id_: _category_ids(item) for id_, item in items.items()}
    wanted = list(dict.fromkeys(one for several in named.values() for one in several))
    categories, _ = _each(wanted, lambda some: client.catalogue(some, paths=True))
    known = {str(row.get("id")): row for row in categories}
    return {
        id_: {
            "id": id_,
            "variation": by_id[id_],
            "item": _without_variations(item) if item else None,
            "categories": [known[one] for one in named[id_] if one in known],
        }
        for id_, item in items.items()
    }


def _item_of(found: Row, by_id: Mapping[str, Row]) -> Row:
    """The item of a variation; orders name variations, and where one names the item itself that is all there is."""
    return (
        found if found.get("type") == "ITEM" else by_id.get(_text(_inside(found, "item_variation_data"), "item_id"), {})
    )


def _each(
    ids: Sequence[str], ask: Callable[[Sequence[str]], tuple[list[Row], list[Row]]]
) -> tuple[list[Row], list[Row]]:
    objects: list[Row] = []
    related: list[Row] = []
    for start in range(0, len(ids), BATCH):
        found, beside = ask(ids[start : start + BATCH])
        objects += found
        related += beside
    return objects, related


def _category_ids(item: Mapping[str, Any]) -> list[str]:
    """Its reporting category, else all that it is in; Square's older field where it has neither."""
    inside = _inside(item, "item_data")
    reporting = inside.get("reporting_category")
    several = inside.get("categories")
    for some in ([reporting], several if isinstance(several, list) else []):
        if ids := [id_ for one in some if isinstance(one, dict) and (id_ := _text(one, "id"))]:
            return ids
    return list(filter(None, (_text(inside, "category_id"),)))


def _named(categories: Iterable[Fields]) -> Iterator[str]:
    for category in categories:
        inside = category.part_or_none("category_data")
        if inside is None:
            continue
        yield from filter(None, (inside.text("name").strip(),))
        yield from filter(None, (one.text("category_name").strip() for one in inside.parts("path_to_root")))


def _without_variations(item: Row) -> Row:
    """An item lists all its variations, which may be hundreds; each is a record of its own."""
    return {**item, "item_data": {k: v for k, v in _inside(item, "item_data").items() if k != "variations"}}


def _inside(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = row.get(key)
    return found if isinstance(found, dict) else {}


def _text(row: Mapping[str, Any], key: str) -> str:
    found = row.get(key)
    return found if isinstance(found, str) else ""


def _object(payload: Row) -> SourceObject:
    """Without a stamp: its parts have each their own version, so the later reading is the newer one."""
    return SourceObject(kind=KIND, external_id=str(payload["id"]), payload=payload, stamp="", occurred_at=EPOCH)
