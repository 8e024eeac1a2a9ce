"""Looking for our tokens: which listing can show each kind of document, and how a row proves to be ours.

The vendor ignores filters it does not know and answers unfiltered rows: every row is compared here, whatever was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.connectors.visma import observed, parties
from ml_connector.connectors.visma.client import VismaClient
from ml_connector.connectors.visma.kinds import (
    CUSTOMER_DOCUMENTS,
    PARTIES,
    PAYMENTS,
    REVERSALS,
    Place,
    place_of,
    result_kind,
    type_of,
)
from ml_connector.connectors.visma.lookback import Lookback, changed_since, whole
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.connectors.visma.payloads import known
from ml_connector.errors import UsageError
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Content

Asked = Sequence[tuple[Content, Context]]
Groups = list[list[Row]]


def find(
    client: VismaClient, lookback: Lookback, kind: str, contexts: Asked, *, period: Callable[[date], str | None]
) -> dict[str, list[Observed]]:
    """Documents by our token; every token is a key. Raises Transient when a listing cannot be read whole."""
    answer: dict[str, list[Observed]] = {context.token: [] for _, context in contexts}
    if kind in PARTIES or kind in REVERSALS:
        for content, context in contexts:
            answer[context.token] = _one_by_one(client, lookback, content, context)
        return answer
    place = place_of(kind)
    groups: dict[str, Observed] = {}
    for rows in _candidates(client, lookback, kind, contexts, period=period):
        seen = place.seen(rows)
        groups.setdefault(seen.remote_id, seen)
    types = {context.token: type_of(content) for content, context in contexts}
    for seen in groups.values():
        for token in dict.fromkeys(seen.tokens):
            if token in answer and (not place.typed or seen.facts["type"] == types[token]):
                answer[token].append(seen)
    return answer


def payment(client: VismaClient, remote_id: str) -> Observed | None:
    """One payment by type and number: from the list, as the path of a single one has no type."""
    kind, _, number = remote_id.rpartition("/")
    params = {"paymentNbr": number, "paymentType": kind}
    for page in client.pages("/v1/customerPayment", params, operation="GET /v1/customerPayment"):
        for row in page:
            if text(row.get("refNbr")) == number and text(row.get("type")) == kind:
                return observed.payment(row)
    return None


def _candidates(
    client: VismaClient, lookback: Lookback, kind: str, contexts: Asked, *, period: Callable[[date], str | None]
) -> Groups:
    place = place_of(kind)
    if len(contexts) == 1:
        narrow = _narrow(client, kind, place, *contexts[0])
        if narrow is not None:
            return narrow
    starts = [context.started_at for _, context in contexts if context.started_at is not None]
    found = changed_since(client, place, lookback.wide(min(starts))) if starts else []
    undated = [content for content, context in contexts if context.started_at is None]
    for params in {tuple(sorted(_by_day(content, period).items())) for content in undated}:
        found += whole(client, place, {**dict(place.base_filter), **dict(params)})
    return found


def _narrow(client: VismaClient, kind: str, place: Place, content: Content, context: Context) -> Groups | None:
    """The vendor's own filter for one token; None where there is none or it was visibly ignored."""
    if kind in CUSTOMER_DOCUMENTS:
        first = next(client.pages(place.read, {"externalReference": context.token}, operation=f"GET {place.read}"), [])
        obeyed = all(text(row.get("externalReference")) == context.token for row in first)
        return [[row] for row in first] if obeyed else None
    if isinstance(content, CustomerPayment) and kind in PAYMENTS:
        return whole(client, place, {"customer": known(content.customer), **_from_day("docDate", content.day)})
    if isinstance(content, SupplierInvoice):
        return whole(client, place, {"supplier": known(content.supplier), **_from_day("docDate", content.day)})
    return None


def _by_day(content: Content, period: Callable[[date], str | None]) -> Mapping[str, str]:
    """A listing by business day, for a document whose first call has no known time."""
    if isinstance(content, JournalEntry):
        return {"periodId": period(content.day) or f"{content.day:%Y%m}"}
    if isinstance(content, CustomerInvoice):
        return _from_day("documentDate", content.day)
    if isinstance(content, CustomerPayment | SupplierInvoice):
        return _from_day("docDate", content.day)
    raise UsageError(f"{type(content).__name__} cannot be looked for by its day.")


def _from_day(name: str, day: date) -> dict[str, str]:
    return {name: f"{day.isoformat()}T00:00:00", f"{name}Condition": ">="}


def _one_by_one(client: VismaClient, lookback: Lookback, content: Content, context: Context) -> list[Observed]:
    if isinstance(content, PartyCard):
        return parties.find(client, content, since=_since(lookback, context))
    if isinstance(content, Reversal) and content.kind == "void_payment":
        seen = payment(client, f"{type_of(content)}/{known(content.number)}")
        return [seen] if seen is not None else []
    if isinstance(content, Reversal):
        return _reversing(client, lookback, content, context)
    raise UsageError(f"{type(content).__name__} cannot be looked for.", record=context.key)


def _reversing(client: VismaClient, lookback: Lookback, content: Reversal, context: Context) -> list[Observed]:
    """What a reversal may have made: a later document of the same party and amount that names the invoice or nothing.

    It carries no token, so several are possible: the caller demands exactly one.
    """
    original_place = place_of(
        "supplier_invoice" if result_kind(content.kind, content) == "supplier_invoice" else "customer_invoice"
    )
    number = known(content.number)
    path = original_place.item(f"Invoice/{number}")
    known_as = client.row(path, operation=f"GET {original_place.read}/{{id}}")
    if known_as is None:
        return []
    original = original_place.seen([known_as[0]])
    role = "supplier" if original_place.typed else "customer"
    place = place_of(content.kind, content)
    since = _since(lookback, context)
    extra = {role: original.facts[role], "expandApplications": "true"}
    rows = changed_since(client, place, since, extra) if since else whole(client, place, extra)
    related, found = [], []
    for group in rows:
        seen = place.seen(group)
        named = {ref for _, ref in seen.facts.get("applications", ())}
        wanted_type = not place.typed or seen.facts["type"] == "DebitAdj"
        same = seen.facts[role] == original.facts[role] and abs(seen.total) == abs(original.total)
        if not wanted_type or not same or not _later(group[-1], since):
            continue
        if number in named or (seen.tokens and seen.tokens[:1] == original.tokens[:1]):
            related.append(seen)  # it names the invoice, or took over its mark
        elif not named:
            found.append(seen)
    return related or found


def _later(row: Row, since: datetime | None) -> bool:
    """Whether a document was made in the time in question, where it tells."""
    made = text(row.get("createdDateTime"))
    if since is None or not made:
        return True
    try:
        return datetime.fromisoformat(made).replace(tzinfo=None) >= since
    except ValueError:
        return True


def _since(lookback: Lookback, context: Context) -> datetime | None:
    return None if context.started_at is None else lookback.wide(context.started_at)
