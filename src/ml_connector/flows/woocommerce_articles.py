"""What the shop lists of the articles of an order. Asked only where rules tell articles apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ml_connector.finance.documents import Article, Refund, Sale, SaleLine
from ml_connector.finance.plan import Need, Related, Wait
from ml_connector.finance.rulebook import Terms

Lines = tuple[SaleLine, ...]


def articles_of(lines: Iterable[SaleLine], terms: Terms) -> tuple[Need, ...]:
    """Every product among these lines. A product that was deleted is named by none."""
    return tuple(map(article, _ids(lines))) if terms.asks_articles else ()


def article(id_: str) -> Need:
    """A product by its id. That the shop lists none of it is an answer too."""
    return Need(kind="article", id=id_)


def order_of(sale: Sale, related: Related, terms: Terms) -> Sale:
    """The order with categories on its lines, as far as the shop lists them."""
    return replace(sale, lines=_named(sale.lines, related)) if terms.asks_articles else sale


def refund_of(refund: Refund, related: Related, terms: Terms) -> Refund:
    """A refund with categories on the lines that came back."""
    back = refund.returned
    if back is None or not terms.asks_articles:
        return refund
    return replace(refund, returned=replace(back, lines=_named(back.lines, related)))


def hidden(lines: Iterable[SaleLine], related: Related, terms: Terms) -> Wait | None:
    """What to wait for where the key may not read products: by other rules it might be booked wrongly."""
    for need in articles_of(lines, terms):
        one: Article | None = related.one(need)
        if one is not None and one.state == "hidden":
            return Wait(
                f"rules ask for the category of article {one.id}, and the shop does not show its products to this key: "
                "give its user the right to read them, or take category out of the rules"
            )
    return None


def _ids(lines: Iterable[SaleLine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.listed for line in lines if line.listed))


def _named(lines: Lines, related: Related) -> Lines:
    answers = {id_: related.one(article(id_)) for id_ in _ids(lines)}
    known = {id_: one.categories for id_, one in answers.items() if isinstance(one, Article)}
    return tuple(replace(line, categories=known.get(line.listed or "", line.categories)) for line in lines)
