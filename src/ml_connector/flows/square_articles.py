"""What the catalogue says of the articles of an order. Asked only where rules tell articles apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ml_connector.finance.documents import Article, Sale, SaleLine
from ml_connector.finance.plan import Need, Related, Wait
from ml_connector.finance.rulebook import Terms


def articles_of(sale: Sale, terms: Terms) -> tuple[Need, ...]:
    """Every article of an order, sold or returned. An amount typed in at the till names none."""
    return tuple(map(article, _ids(sale))) if terms.asks_articles else ()


def article(id_: str) -> Need:
    """An article by the id that order lines carry. That the catalogue has none of it is an answer too."""
    return Need(kind="article", id=id_)


def order_of(sale: Sale | None, related: Related, terms: Terms) -> Sale | None:
    """The order with number and categories on its lines, as far as the catalogue knows them."""
    if sale is None or not terms.asks_articles:
        return sale
    answers = (related.one(article(id_)) for id_ in _ids(sale))
    known = {one.id: one for one in answers if isinstance(one, Article)}
    if not known:
        return sale
    returns = tuple(replace(back, lines=_named(back.lines, known)) for back in sale.returns)
    return replace(sale, lines=_named(sale.lines, known), returns=returns)


def hidden(sale: Sale, related: Related, terms: Terms) -> Wait | None:
    """What to wait for where the source does not show its catalogue: by other rules it might be booked wrongly."""
    for need in articles_of(sale, terms):
        one: Article | None = related.one(need)
        if one is not None and one.state == "hidden":
            return Wait(
                f"rules ask for the category or number of article {one.id}, and Square does not show its catalogue: "
                "connect it again with ITEMS_READ, or take category and article out of the rules"
            )
    return None


def _ids(sale: Sale) -> tuple[str, ...]:
    lines = (*sale.lines, *(line for back in sale.returns for line in back.lines))
    return tuple(dict.fromkeys(line.article for line in lines if line.article and line.kind == "goods"))


def _named(lines: tuple[SaleLine, ...], known: Mapping[str, Article]) -> tuple[SaleLine, ...]:
    return tuple(
        replace(line, sku=one.sku, categories=one.categories) if (one := known.get(line.article or "")) else line
        for line in lines
    )
