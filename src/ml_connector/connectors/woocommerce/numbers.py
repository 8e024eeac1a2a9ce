"""VAT and organisation numbers out of plugin metadata, proven by their check digits. Pure.

There is no standard field: every plugin has its own key, and a shop may add more (`vat_number_keys`, `org_number_keys`
of the connection, which the reader writes into the payload as `_meta_keys`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from ml_connector.connectors.woocommerce.fields import Fields

VAT_KEYS = (
    "_billing_vat_number", "_vat_number", "vat_number", "billing_vat_number", "_billing_eu_vat_number",
    "billing_eu_vat_number", "_billing_vat_id", "billing_vat_id", "_oss_vat_number", "_billing_dic",
)  # fmt: skip
ORG_KEYS = (
    "_billing_org_nr", "billing_org_nr", "_billing_orgnr", "billing_orgnr", "_billing_company_number",
    "billing_company_number", "_billing_organisation_number", "_billing_ic",
)  # fmt: skip
# module of python-stdnum for organisation numbers, by country
ORG_MODULES: Mapping[str, str] = {"NO": "orgnr", "SE": "orgnr", "DK": "cvr", "FI": "ytunnus"}
VAT_PREFIXES: Mapping[str, str] = {"EL": "GR", "XI": "GB"}  # prefixes of VAT numbers that are no country codes
MAX_LENGTH = 40
CHOSEN = "_meta_keys"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The proven numbers (empty: none) and those that were typed but are no such numbers."""

    vat: str = ""
    org: str = ""
    refused: tuple[str, ...] = ()


def numbers_of(owner: Fields, country: str, *, chosen: Fields | None = None) -> Numbers:
    """The first proven VAT and organisation number in `meta_data`, chosen keys before known ones."""
    meta = _texts(owner)
    if not meta:
        return Numbers()
    vat, bad_vat = _first(_values(meta, _keys(chosen, "vat_number"), VAT_KEYS), country, _vat)
    org, bad_org = _first(_values(meta, _keys(chosen, "org_number"), ORG_KEYS), country, _org)
    return Numbers(vat, org, tuple(dict.fromkeys((*bad_vat, *bad_org))))


def is_yes(owner: Fields, key: str) -> bool:
    """Whether a metadata flag says yes."""
    return any(value.lower() in {"yes", "1", "true"} for value in _texts(owner).get(key, ()))


def _texts(owner: Fields) -> dict[str, list[str]]:
    """Metadata that are short texts or whole numbers; keys repeat, other values are of no use here."""
    found: dict[str, list[str]] = {}
    for meta in owner.parts("meta_data"):
        key, value = meta.node.get("key"), meta.node.get("value")
        if type(value) is int and 0 <= value < 10**20:
            value = str(value)
        if type(key) is str and type(value) is str and 0 < len(value.strip()) <= MAX_LENGTH and value.isprintable():
            found.setdefault(key, []).append(value.strip())
    return found


def _keys(chosen: Fields | None, name: str) -> tuple[str, ...]:
    keys: Any = chosen.node.get(name) if chosen is not None else None
    return tuple(key for key in keys if type(key) is str) if isinstance(keys, list | tuple) else ()


def _values(meta: Mapping[str, Sequence[str]], chosen: Iterable[str], known: Iterable[str]) -> list[str]:
    return [value for key in dict.fromkeys((*chosen, *known)) for value in meta.get(key, ())]


def _first(values: Sequence[str], country: str, read: Any) -> tuple[str, tuple[str, ...]]:
    refused: list[str] = []
    for value in values:
        if found := read(value, country):
            return found, tuple(refused)
        refused.append(value)
    return "", tuple(refused)


def _vat(value: str, country: str) -> str:
    """A VAT number with its country prefix; "" when it is none."""
    head = value.strip()[:2].upper()
    typed = VAT_PREFIXES.get(head, head)
    prefixed = head.isascii() and head.isalpha() and get_cc_module(typed.lower(), "vat") is not None
    code = typed if prefixed else country
    if not code or not code.isascii() or not code.isalpha():
        return ""
    made = _proven(code, "vat", value)
    if not made:
        return ""
    prefix = head if prefixed else next((vat for vat, iso in VAT_PREFIXES.items() if iso == code == "GR"), code)
    return made if made.startswith(prefix) else prefix + made


def _org(value: str, country: str) -> str:
    """An organisation number of the country in its plain form; where no check is known, its digits as typed."""
    module = ORG_MODULES.get(country)
    if module is not None:
        return _proven(country, module, value) or _proven(country, module, _inside(_vat(value, country)))
    plain = value.replace(" ", "").replace("-", "").replace(".", "")
    return plain if plain.isascii() and plain.isalnum() and any(sign.isdigit() for sign in plain) else ""


def _inside(vat: str) -> str:
    """The organisation number that a Nordic VAT number holds (NO...MVA, SE...01, DK, FI): people type either."""
    core = vat[2:].removesuffix("MVA")
    return core.removesuffix("01") if vat.startswith("SE") else core


def _proven(country: str, name: str, value: str) -> str:
    module = get_cc_module(country.lower(), name)
    if module is None:
        return ""
    try:
        return str(module.validate(value))
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError):
        return ""
