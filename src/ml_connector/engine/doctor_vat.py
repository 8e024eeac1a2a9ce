"""What the doctor says of VAT: where a VAT code leads in each zone, what bears none, which rates will change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from ml_connector.finance.chart import Chart, VatId
from ml_connector.finance.rulebook import Rule, Terms

NO_VAT = "no_vat"


class Told(NamedTuple):
    """One line of the diagnosis."""

    item: str
    verdict: Literal["ok", "wrong", "asked"]
    sentence: str
    fix: str = ""


def examine(rules: tuple[Rule, ...], terms: Terms, chart: Chart, today: date) -> Iterator[Told]:
    """Every VAT code that the rules name, in every zone of the ledger, today and at each known change of a rate."""
    bare = {rule.vat_code for rule in rules if rule.vat_code and NO_VAT in rule.roles}
    taxed = {rule.vat_code for rule in rules if rule.vat_code and set(rule.roles) - {NO_VAT}} - bare
    for code in sorted(bare & chart.vat_codes.keys()):
        yield _bare(code, chart, today)
    for code in sorted(taxed & chart.vat_codes.keys()):
        yield _taxed(code, chart, today)
    ids = {rule.vat_id for rule in rules if rule.vat_id}
    named = [vat for vat in chart.vat_ids.values() if vat.id in ids or taxed & set(vat.categories)]
    for vat in sorted(named, key=lambda one: one.id):
        yield from _changes(vat, today)
    if terms.fee_vat == "reverse_charge":
        yield _reverse(chart, today)


def _serving(code: str, chart: Chart, today: date) -> dict[str, list[VatId]]:
    """The VAT ids that hold for a VAT code, by zone."""
    valid = [one for one in chart.vat_ids.values() if one.not_after is None or one.not_after >= today]
    zones = sorted(set(chart.vat_zones) | {zone for one in valid for zone in one.zones})
    found = {zone: [one for one in valid if code in one.categories and zone in one.zones] for zone in zones}
    return {zone: several for zone, several in found.items() if several}


def _bare(code: str, chart: Chart, today: date) -> Told:
    name = f"VAT code {code}"
    for zone, several in _serving(code, chart, today).items():
        for vat in several:
            if (rate := vat.rate_on(today)) or vat.reverse:
                what = f"{percent(rate or Decimal())} by VAT id {vat.id}"
                return Told(
                    name, "wrong", f"The rules use it for what bears no VAT, and in zone {zone} it gives {what}.",
                    "Name a VAT code at 0 %, or one that no VAT id serves.",
                )  # fmt: skip
    return Told(name, "ok", "It bears no VAT in any zone.")


def _taxed(code: str, chart: Chart, today: date) -> Told:
    name = f"VAT code {code}"
    serving = _serving(code, chart, today)
    if not serving:
        return Told(
            name, "wrong", "No VAT id that is valid today serves it in any zone.",
            "Give the VAT id this category and the zones of your customers in Visma.",
        )  # fmt: skip
    said = []
    for zone, several in serving.items():
        rates = " or ".join(f"{percent(one.rate_on(today))} ({one.id})" for one in several)
        said.append(f"{zone}: {rates}")
    return Told(name, "ok", f"{'; '.join(said)}.")


def _changes(vat: VatId, today: date) -> Iterator[Told]:
    name = f"VAT id {vat.id}"
    for start, rate in vat.rates:
        if start > today:
            yield Told(
                name, "asked", f"From {start} it is {percent(rate)}.",
                "Add rules for the new rate before that day, and see that the source charges it from then on.",
            )  # fmt: skip
    if vat.not_after is not None and vat.not_after >= today:
        yield Told(name, "asked", f"It ends on {vat.not_after}.", "Name the VAT id that follows it in the rules.")


def _reverse(chart: Chart, today: date) -> Told:
    found = [one for one in chart.vat_ids.values() if one.reverse and (one.not_after is None or one.not_after >= today)]
    if not found:
        fix = 'Create one in Visma for the processor\'s monthly invoice, or set fee_vat = "exempt".'
        return Told("reverse VAT", "wrong", "Fees are under reverse charge, and no VAT id is of that kind.", fix)
    ids = ", ".join(sorted(one.id for one in found))
    return Told("reverse VAT", "ok", f"For the processor's monthly invoice: {ids}.")


def percent(rate: Decimal | None) -> str:
    """A rate for people."""
    return "no rate" if rate is None else f"{rate.normalize():f} %"
