"""The doctor: what must be set up in the ledger for a company's routes, item by item, each with its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ml_connector.connectors.shapes import Writer
from ml_connector.engine import attributes, doctor_balances, doctor_sales, doctor_vat
from ml_connector.engine.books import Books, Road, open_books, refresh_chart
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError
from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Finding, Found
from ml_connector.rules import checking, collecting
from ml_connector.rules.parties import default_of

Verdict = Literal["ok", "wrong", "asked"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the diagnosis. `asked`: no call tells; a person looks in Visma."""

    item: str
    verdict: Verdict
    sentence: str
    fix: str = ""


def examine(works: Works, company_id: str) -> list[Item]:
    """Read the ledger's set-up now and judge everything that the company's routes name. Nothing is written there."""
    refresh_chart(works, company_id)
    books = open_books(works, company_id)
    today = works.clock.now().date()
    items = [*_periods(books.chart, today), *_places(books.chart), *_parties(works, books), *_attributes(works, books)]
    for road in books.roads.values():
        items += _route(road, books.chart)
        items += [Item(*one) for one in doctor_sales.examine(_writer(works, books), road.terms)]
        items += [Item(*one) for one in doctor_vat.examine(road.rulebooks[-1].rules, road.terms, books.chart, today)]
    balances = (Item(*one) for one in doctor_balances.examine(works, books))
    return [*items, *balances, *_facts(works, books)]


def _route(road: Road, chart: Chart) -> Iterator[Item]:
    name = f"rules of {road.source.code}"
    book = road.rulebooks[-1]
    if not book.rules:
        yield Item(name, "wrong", f"The route {road.route.id} has no rules.", "Run `ml-connector rules import FILE`.")
        return
    findings = checking.check_rulebook(book, chart, road.flow.roles)
    for finding in findings:
        yield _of_finding(name, finding)
    if not any(finding.blocks for finding in findings):
        yield Item(name, "ok", f"Version {book.version}: {len(book.rules)} rules, all they name is in the ledger.")
    yield from _named(road, chart)
    yield from _collecting(road)
    if road.terms.branch is not None and road.terms.branch not in chart.branches:
        yield Item("branch", "wrong", f"Branch {road.terms.branch} is not in the ledger.", "Correct the route's terms.")
    for location, terms in road.terms.locations.items():
        if terms.branch is not None and terms.branch not in chart.branches:
            fix = f"Correct branch of location {location} in the route's terms."
            yield Item("branch", "wrong", f"Branch {terms.branch} is not in the ledger.", fix)


def _collecting(road: Road) -> Iterator[Item]:
    """Whether the rules that say what is collected are asked, and whether there are any."""
    if collecting.ROLE not in road.flow.roles:
        return
    rules = [rule.id for rule in road.rulebooks[-1].rules if collecting.ROLE in rule.roles]
    asked = road.terms.collect == "rules"
    if asked and not rules:
        yield Item("collecting", "wrong", "No rule says which invoices are collected, so none is.",
                   'Write rules of role collect, or set collect = "marked" in the terms.')  # fmt: skip
    elif rules and not asked:
        yield Item("collecting", "wrong", f"The rules {', '.join(rules)} say what is collected, and nobody asks them.",
                   'Set collect = "rules" in the terms, or remove them.')  # fmt: skip
    elif asked:
        yield Item("collecting", "ok", f"{len(rules)} rules say which invoices are collected.")


def _of_finding(name: str, finding: Finding) -> Item:
    sentence, _, fix = finding.sentence.partition(". ")
    return Item(name, "wrong" if finding.blocks else "asked", sentence.rstrip(".") + ".", fix)


def _named(road: Road, chart: Chart) -> Iterator[Item]:
    """Cash accounts, VAT ids and payment methods that the rules name, as the ledger has them."""
    rules = road.rulebooks[-1].rules
    for number in sorted({rule.cash_account for rule in rules if rule.cash_account}):
        yield _cash_account(number, chart)
    for vat_id in sorted({rule.vat_id for rule in rules if rule.vat_id}):
        yield _vat(vat_id, chart)
    for method in sorted({rule.payment_method for rule in rules if rule.payment_method}):
        good = chart.payment_methods.get(method, False)
        sentence = f"Payment method {method} is {'active' if good else 'missing or not active'}."
        yield Item(
            "payment method", "ok" if good else "wrong", sentence, "" if good else f"Activate {method} in Visma."
        )


def _cash_account(number: str, chart: Chart) -> Item:
    name = f"cash account {number}"
    cash = chart.cash_accounts.get(number)
    if cash is None:
        return Item(name, "wrong", "It is not in the ledger.", "Create it in Visma, or correct the rule.")
    if cash.currency not in chart.currencies:
        fix = f"Activate {cash.currency} in Visma, or name another cash account."
        return Item(name, "wrong", f"It keeps {cash.currency}, which is no currency of the company.", fix)
    account = chart.accounts.get(cash.account)
    if account is None or not account.active or not account.manual_entry:
        why = "missing" if account is None else ("not active" if not account.active else "closed to manual entry")
        return Item(name, "wrong", f"Its account {cash.account} is {why}.", f"Open account {cash.account} in Visma.")
    return Item(name, "ok", f"{cash.currency} on account {cash.account}, open to journals.")


def _vat(vat_id: str, chart: Chart) -> Item:
    name = f"VAT id {vat_id}"
    vat = chart.vat_ids.get(vat_id)
    if vat is None:
        return Item(name, "wrong", "It is not in the ledger.", "Create it in Visma, or correct the rule.")
    account = chart.accounts.get(vat.payable_account or "")
    if account is None or not account.active or not account.manual_entry:
        return Item(
            name, "wrong", f"Its VAT account {vat.payable_account or '(none)'} cannot be booked by journal.",
            "Allow manual entry on it, or book such sales as invoice and payment on a collective customer.",
        )  # fmt: skip
    rates = ", ".join(f"{doctor_vat.percent(rate)} from {start}" for start, rate in vat.rates)
    return Item(name, "ok", f"{rates or 'no rate'}; account {vat.payable_account}.")


def _periods(chart: Chart, today: date) -> Iterator[Item]:
    period = chart.period_of(today)
    if period is None:
        yield Item(
            "period", "wrong", f"No financial period holds {today}.", "Generate the periods of the year in Visma."
        )
    elif not period.active or period.closed:
        closed = ", ".join(sorted(period.closed)) or "everything: it is not active"
        fix = f'Open {period.id} in Visma, or set late = "next_open" in the route\'s terms.'
        yield Item("period", "wrong", f"Period {period.id} is closed in {closed}.", fix)
    else:
        yield Item("period", "ok", f"Period {period.id} is open in every ledger.")


def _places(chart: Chart) -> Iterator[Item]:
    branches = [one for one in chart.branches.values() if one.active]
    yield Item(
        "branch",
        "ok" if branches else "wrong",
        f"{len(branches)} active branches.",
        "" if branches else "Activate one.",
    )
    actual = [one for one in chart.ledgers.values() if one.balance_type.casefold() == "actual"]
    yield Item(
        "ledger",
        "ok" if actual else "wrong",
        f"{len(actual)} actual ledgers.",
        "" if actual else "Create an actual ledger in Visma.",
    )
    base = chart.base_currency
    yield Item(
        "base currency", "ok" if base else "wrong", f"It is {base or 'unknown'}.", "" if base else "Set it in Visma."
    )


def _parties(works: Works, books: Books) -> Iterator[Item]:
    """Collective customers and the processor's supplier card, looked up by their number; and what new cards get."""
    wanted: set[tuple[str, str]] = set()
    serves: dict[str, str] = {}  # collective customer: "VAT zone:currency"
    for road in books.roads.values():
        guests = road.terms.collective_customers
        serves |= {number: _serving(name, road, books.chart) for name, number in guests.items()}
        wanted |= {("customer", number) for number in guests.values()}
        zone = road.terms.party_defaults.get("vat_zone")
        if zone is not None and zone not in books.chart.vat_zones:
            known = ", ".join(books.chart.vat_zones)
            sentence = f"New customers of {road.source.code} get VAT zone {zone}, which is not in the ledger."
            yield Item(f"VAT zone {zone}", "wrong", sentence, f"Name one of {known} in party_defaults of the terms.")
        for rule in road.rulebooks[-1].rules:
            wanted |= {("customer", rule.customer)} if rule.customer else set()
            wanted |= {("supplier", rule.supplier)} if rule.supplier else set()
    writer = _writer(works, books)
    for kind, number in sorted(wanted):
        found = [one for one in writer.look_up(kind, {"number": number}) if one.number == number]
        name = f"{kind} {number}"
        if not found:
            yield Item(name, "wrong", "It is not in the ledger.", "Create it in Visma, or correct the rule.")
        elif found[0].status != "Active":
            yield Item(name, "wrong", f"It is {found[0].status}.", "Activate it in Visma.")
        elif number in serves and (unlike := _unlike(found[0], serves[number])):
            yield Item(
                name, "wrong", unlike, "Correct collective_customers of the route's terms, or the card in Visma."
            )
        else:
            said = [
                found[0].name,
                "active",
                found[0].currency,
                found[0].facts.get("vat_zone"),
                found[0].facts.get("terms"),
            ]
            yield Item(name, "ok", f"{', '.join(filter(None, said))}.")


def _attributes(works: Works, books: Books) -> Iterator[Item]:
    """Attributes of customers by which invoices are marked."""
    writer = _writer(works, books)
    for road in books.roads.values():
        rules = road.rulebooks[-1].rules
        wrong = {}
        for finding in attributes.findings(writer, road.terms, rules):
            wrong[finding.field] = finding
            yield _of_finding(f"attribute {finding.field}", finding)
        for name, values in sorted(attributes.named(road.terms, rules).items()):
            if name not in wrong:
                yield Item(f"attribute {name}", "ok", f"It marks customers by {', '.join(sorted(values))}.")


def _writer(works: Works, books: Books) -> Writer:
    return open_line(works, books.company.connection_id).writer


def _serving(name: str, road: Road, chart: Chart) -> str:
    """The VAT zone and currency of a collective customer that is named by zone or by country."""
    place, _, currency = name.partition(":")
    zone = place if place in chart.vat_zones else default_of(road.terms, "customer", "vat_zone", place)
    return f"{zone or place}:{currency}"


def _unlike(card: Found, name: str) -> str:
    """Why a collective customer does not serve this VAT zone and currency; empty where it does."""
    zone, _, currency = name.partition(":")
    kept, its = card.facts.get("vat_zone", ""), card.currency or ""
    if zone and kept and kept != zone:
        return f"It is for VAT zone {zone}, and the card has {kept}."
    return f"It is for {currency}, and the card keeps {its}." if currency and its and its != currency else ""


def _facts(works: Works, books: Books) -> Iterator[Item]:
    """What only the ledger's connector can tell: exchange rates, series, and what no call tells."""
    writer = _writer(works, books)
    read: Callable[[], Any] | None = getattr(writer, "configuration_facts", None)
    if read is None:
        return
    try:
        facts = read()
    except ConnectorError as fault:
        yield Item("configuration", "wrong", fault.what, fault.fix)
        return
    yield from _rates(books, facts.rates)
    manual = sorted(name for name, by_hand in facts.number_series.items() if by_hand)
    yield Item(
        "number series", "asked",
        f"{len(facts.number_series)} series; numbering by hand is allowed in: {', '.join(manual) or 'none'}.",
        "See that journals, invoices, credit notes and payments use series that number by themselves.",
    )  # fmt: skip
    yield from (Item("not readable", "asked", sentence, "Look in Visma.") for sentence in facts.asked)


def _rates(books: Books, rates: Mapping[str, Any]) -> Iterator[Item]:
    base = books.chart.base_currency
    used: Sequence[str] = sorted(
        {
            cash.currency
            for road in books.roads.values()
            for rule in road.rulebooks[-1].rules
            if rule.cash_account and (cash := books.chart.cash_accounts.get(rule.cash_account))
        }
    )
    for currency in used:
        if currency == base:
            continue
        rate = rates.get(currency)
        if rate is None:
            fix = f"Enter or fetch the exchange rate of {currency} in Visma."
            yield Item(f"rate {currency}", "wrong", f"There is no rate from {currency} to {base} today.", fix)
        else:
            yield Item(f"rate {currency}", "ok", f"1 {currency} = {rate} {base} today.")
