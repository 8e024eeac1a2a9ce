"""The ping: is the shop there, how does the key get through, what may it read, and how is the shop set up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.woocommerce.client import RouteMissing, Row, Ticking, WooClient
from ml_connector.connectors.woocommerce.signing import Key, Mode, Nonce, new_nonce
from ml_connector.connectors.woocommerce.webhooks import source_ref
from ml_connector.errors import ConnectorError, NotAuthorized

OLDEST = (5, 8)  # believed to be the first with modified_after and dates_are_gmt
WORDS: Mapping[Mode, str] = {
    "basic": "HTTP Basic",
    "query": "the query string",
    "oauth": "an OAuth 1.0a signature",
}
TAX_SETTINGS = {
    "woocommerce_prices_include_tax": "prices_include_tax",
    "woocommerce_tax_round_at_subtotal": "round_at_subtotal",
    "woocommerce_tax_based_on": "tax_based_on",
}
GENERAL_SETTINGS = {
    "woocommerce_currency": "currency",
    "woocommerce_price_num_decimals": "decimals",
    "woocommerce_default_country": "country",
    "woocommerce_calc_taxes": "taxes",
}
RENEW = "`ml-connector connect renew CODE --field authentication={}`"
OTHER_WAYS: Mapping[Mode, tuple[str, str]] = {
    "query": (
        "The web server drops the Authorization header; the key works in the query string.",
        f"Let the server pass the header on, or {RENEW.format('query')} (the secret then stands in its logs).",
    ),
    "oauth": (
        "WordPress does not know that it is reached by https, and takes the key with a signature alone.",
        f"Have the proxy in front tell WordPress of https (X-Forwarded-Proto), or {RENEW.format('oauth')}.",
    ),
}
"""What else a key may get through by: what that means, and what to do."""
MANAGER = "Make the key for an administrator or a shop manager."


@dataclass(slots=True)
class _Report:
    """What a ping has found so far."""

    checks: list[Check] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, sentence: str, *, ok: bool = True, fix: str = "") -> None:
        self.checks.append(Check(name, ok=ok, sentence=sentence, fix=fix))


def ping(
    http: Http,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    clock: Ticking,
    nonce: Nonce = new_nonce,
) -> Ping:
    """Look at the shop with reads that change nothing (about ten calls)."""
    del settings
    report = _Report()
    client = WooClient(http, Key.of(credentials), clock=clock, nonce=nonce)
    _address(client, report)
    if _key(client, http, report, clock=clock, nonce=nonce):
        _list(
            client, report, "refunds", "/refunds", newer="Refunds are read from their orders (before WooCommerce 9.0)."
        )
        _list(client, report, "customers", "/customers")
        _settings(client, report)
        _webhooks(client, report)
        _version(client, report)
    account = report.facts.get("account_ref", client.base)
    return Ping(
        ok=all(check.ok for check in report.checks),
        account=report.facts.get("shop", "") or account,
        checks=tuple(report.checks),
        facts={**report.facts, "account_ref": account},
    )


def _address(client: WooClient, report: _Report) -> None:
    """The public index: is this a shop with WooCommerce, does it know itself by this address, what is its time zone."""
    try:
        index = client.index()
    except ConnectorError as fault:
        report.add("address", f"The shop's public index cannot be read: {fault.what}", ok=True, fix=fault.fix)
        return
    home = source_ref(index.get("home")) or client.base
    report.facts |= {"account_ref": home, "shop": str(index.get("name") or "")}
    spaces = index.get("namespaces")
    if not isinstance(spaces, list) or "wc/v3" not in spaces:
        report.add("address", f"{client.base} is WordPress without WooCommerce.", ok=False, fix="Activate WooCommerce.")
    elif _other(home, client.base):
        fix = f"Enter {home} as the shop's address: signatures and redirects go by it."
        report.add("address", f"The shop calls itself {home}, not {client.base}.", ok=False, fix=fix)
    else:
        report.add("address", f"{client.base} is a shop with WooCommerce.")
    zone = str(index.get("timezone_string") or "")
    report.facts["time_zone"] = zone or f"UTC{index.get('gmt_offset') or 0:+}"
    report.add("time zone", f"The shop's clock is {report.facts['time_zone']}; dates are read as UTC.")


def _key(client: WooClient, http: Http, report: _Report, *, clock: Ticking, nonce: Nonce) -> bool:
    """Whether the key reads orders, and by which way it got through."""
    mode = client.key.mode_for(client.base)
    try:
        client.rows("/orders", {"per_page": "1", "_fields": "id"})
    except NotAuthorized as refused:
        sentence, fix = refused.what, refused.fix
        for other in OTHER_WAYS if mode == "basic" else ():
            if _works(WooClient(http, replace(client.key, mode=other), clock=clock, nonce=nonce)):
                sentence, fix = OTHER_WAYS[other]
                break
        report.add("key", sentence, ok=False, fix=fix)
        return False
    except ConnectorError as fault:
        report.add("key", fault.what, ok=False, fix=fault.fix)
        return False
    report.facts["authentication"] = mode
    report.add("key", f"The key works by {WORDS[mode]} and reads orders.")
    return True


def _list(client: WooClient, report: _Report, name: str, path: str, *, newer: str = "") -> None:
    try:
        client.rows(path, {"per_page": "1", "_fields": "id"}, newer=bool(newer))
    except RouteMissing:
        report.add(name, newer)
    except ConnectorError as fault:
        report.add(name, f"{name.capitalize()} cannot be read: {fault.what}", ok=False, fix=fault.fix)
    else:
        report.add(name, f"{name.capitalize()} are readable.")


def _settings(client: WooClient, report: _Report) -> None:
    try:
        general = _options(client, "general", GENERAL_SETTINGS)
        tax = _options(client, "tax", TAX_SETTINGS)
    except ConnectorError as fault:
        report.add("settings", f"Currency and taxes cannot be read: {fault.what}", ok=False, fix=MANAGER)
        return
    report.facts |= general | tax
    report.add(
        "currency", f"The shop sells in {general.get('currency', '?')}, {general.get('decimals', '?')} decimals."
    )
    typed = "with" if tax.get("prices_include_tax") == "yes" else "without"
    where = "of the whole order" if tax.get("round_at_subtotal") == "yes" else "line by line"
    if general.get("taxes") == "yes":
        based = tax.get("tax_based_on", "?")
        report.add("taxes", f"Prices are typed {typed} tax; tax is rounded {where}, by the {based} address.")
    else:
        report.add("taxes", "The shop calculates no taxes: every order line comes without VAT.")


def _webhooks(client: WooClient, report: _Report) -> None:
    try:
        client.rows("/webhooks", {"per_page": "1", "_fields": "id"})
    except ConnectorError as fault:
        report.add("webhooks", f"Webhooks cannot be seen to; polling reads everything. {fault.what}", fix=MANAGER)
    else:
        report.add("webhooks", "Webhooks can be listed; registering them takes a Read/Write key.")


def _version(client: WooClient, report: _Report) -> None:
    try:
        status = client.get("/system_status", {"_fields": "environment,settings"})
    except ConnectorError as fault:
        report.add("version", f"The shop's version cannot be read: {fault.what}", fix=MANAGER)
        return
    environment, settings = _part(status, "environment"), _part(status, "settings")
    version = str(environment.get("version") or "")
    report.facts |= {
        "version": version,
        "wordpress": str(environment.get("wp_version") or ""),
        "order_tables": "yes" if settings.get("HPOS_enabled") is True else "no",
    }
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if number and number < OLDEST:
        report.add("version", f"WooCommerce {version} is too old to be read by changes.", ok=False, fix="Update it.")
    else:
        report.add("version", f"WooCommerce {version or 'of unknown version'}.")
    if environment.get("wp_cron") is False:
        report.add("cron", "WordPress' own cron is off: without a system cron webhooks never come.")


def _options(client: WooClient, group: str, wanted: Mapping[str, str]) -> dict[str, str]:
    rows = client.rows(f"/settings/{group}", {"_fields": "id,value"})
    return {wanted[str(row["id"])]: str(row.get("value", "")) for row in rows if str(row.get("id")) in wanted}


def _part(row: Any, key: str) -> Row:
    found = row.get(key) if isinstance(row, dict) else None
    return found if isinstance(found, dict) else {}


def _works(client: WooClient) -> bool:
    try:
        client.rows("/orders", {"per_page": "1", "_fields": "id"})
    except ConnectorError:
        return False
    return True


def _other(home: str, base: str) -> bool:
    mine, theirs = urlsplit(base), urlsplit(home)
    return (mine.scheme, mine.netloc.lower(), mine.path) != (theirs.scheme, theirs.netloc.lower(), theirs.path)
