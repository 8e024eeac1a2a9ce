"""The control verbs: what an administrator, an accountant or an auditor would do, and no API can."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma import bulk, purchase_acts, sales_acts, seed
from ml_connector_sandbox.visma.chart import LEDGERS, ZERO
from ml_connector_sandbox.visma.company import Company, Subscription
from ml_connector_sandbox.visma.journal import Batch
from ml_connector_sandbox.visma.purchases import seeded
from ml_connector_sandbox.visma.refusal import Refusal

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.vendor import Visma

Row = dict[str, Any]
Verb = Callable[["Visma", Row, datetime], Any]


def perform(vendor: Visma, verb: str, arguments: Row, at: datetime) -> Any:
    """Do one verb. Raises ValueError for an unknown verb, an unknown company or arguments that make no sense."""
    at_screen = {**purchase_acts.VERBS, **sales_acts.VERBS}
    done = at_screen.get(verb)
    if done is not None:
        return done(vendor, _company(vendor, arguments), arguments, at)
    act = _VERBS.get(verb)
    if act is None:
        known = sorted((*_VERBS, *at_screen))
        raise ValueError(f"No control verb is called {verb!r}; there are {', '.join(known)}.")
    return act(vendor, arguments, at)


def _company(vendor: Visma, arguments: Row) -> Company:
    """The company named by tenant_id, or the only one there is."""
    companies = vendor.companies()
    wanted = arguments.get("tenant_id")
    for company in companies:
        if company.tenant_id == wanted or (wanted is None and len(companies) == 1):
            return company
    raise ValueError(f"No company has tenant_id {wanted!r}. Name one of: {[c.tenant_id for c in companies]}.")


def _seed_company(vendor: Visma, arguments: Row, at: datetime) -> Row:
    company = seed.company(arguments, vendor.random, at, len(vendor.companies()) + 1)
    if company.tenant_id in vendor.tenants:
        raise ValueError(f"A company has the tenant {company.tenant_id} already.")
    known = vendor.access.secrets.get(company.client_id)
    secret = arguments.get("client_secret") or known or f"secret-{vendor.random.getrandbits(96):024x}"
    vendor.access.secrets[company.client_id] = secret
    vendor.tenants[company.tenant_id] = company
    vendor.tenants[company.customer_tenant_id] = company
    return {**_identity(company), "client_secret": secret, **_contents(company)}


def _identity(company: Company) -> Row:
    return {
        "tenant_id": company.tenant_id,
        "customer_tenant_id": company.customer_tenant_id,
        "client_id": company.client_id,
        "company_id": company.company_id,
        "name": company.name,
        "base_currency": company.chart.base_currency,
        "approval": company.approval,
        "scopes": list(company.scopes),
    }


def _contents(company: Company) -> Row:
    chart = company.chart
    return {
        "accounts": {
            a.number: {"description": a.description, "type": a.type, "active": a.active}
            for a in chart.accounts.values()
        },
        "cash_accounts": {
            c.number: {"currency": c.currency, "methods": sorted(c.methods)} for c in chart.cash_accounts.values()
        },
        "defaults": chart.defaults,
        "segments": {str(s.id): [v.value for v in s.values.values()] for s in chart.segments.values()},
        "vats": {
            v.id: {
                "categories": sorted(v.categories),
                "zones": sorted(v.zones),
                "payable": v.payable.number if v.payable else None,
                "claimable": v.claimable.number if v.claimable else None,
            }
            for v in chart.vats.values()
        },
        "categories": list(chart.categories),
        "zones": list(chart.zones),
        "periods": list(chart.periods),
        "payment_methods": list(chart.payment_methods),
        "customers": [{"number": p.number, "name": p.name, "currency": p.currency} for p in company.customers.values()],
        "suppliers": [{"number": p.number, "name": p.name, "currency": p.currency} for p in company.suppliers.values()],
        "branches": list(chart.branches),
        "ledgers": list(chart.ledgers),
    }


def _describe(vendor: Visma, arguments: Row, at: datetime) -> Any:
    if "tenant_id" in arguments:
        company = _company(vendor, arguments)
        return {**_identity(company), **_contents(company)}
    return [_identity(company) for company in vendor.companies()]


def _period(vendor: Visma, arguments: Row, at: datetime, *, close: bool) -> Row:
    company = _company(vendor, arguments)
    period = company.chart.periods.get(str(arguments.get("period")))
    if period is None:
        raise ValueError(f"There is no period {arguments.get('period')!r}; say YYYYMM.")
    ledgers = set(arguments.get("ledgers") or LEDGERS)
    if not ledgers <= set(LEDGERS):
        raise ValueError(f"Ledgers are {', '.join(LEDGERS)}.")
    period.closed = period.closed | ledgers if close else period.closed - ledgers
    if "active" in arguments:
        period.active = bool(arguments["active"])
    return {"period": period.id, "active": period.active, "closed": sorted(period.closed)}


def _set_account(vendor: Visma, arguments: Row, at: datetime) -> Row:
    company = _company(vendor, arguments)
    now = company.local(at)
    number = str(arguments.get("number"))
    account = company.chart.accounts.get(number)
    if account is None:
        account = seed.add_account(company, {key: v for key, v in arguments.items() if key != "tenant_id"}, now)
    names = ("description", "type", "active", "currency", "control_module", "manual", "tax_category", "net_income")
    for name in names:
        if name in arguments:
            setattr(account, name, arguments[name])
    account.modified, account.stamp = now, company.stamp()
    company.tell("AccountChanged", "account", account.number)
    return {"number": account.number, **{name: getattr(account, name) for name in names}}


def _deactivate_account(vendor: Visma, arguments: Row, at: datetime) -> Row:
    number = str(arguments.get("number"))
    if number not in _company(vendor, arguments).chart.accounts:
        raise ValueError(f"There is no account {number!r}.")
    return _set_account(vendor, {**arguments, "active": False}, at)


def _set_approval(vendor: Visma, arguments: Row, at: datetime) -> Row:
    company = _company(vendor, arguments)
    state = arguments.get("state", "approved")
    if state not in ("unapproved", "approved", "revoked"):
        raise ValueError("state is unapproved, approved or revoked.")
    company.approval = state
    if "scopes" in arguments:
        company.scopes = tuple(arguments["scopes"])
    return _identity(company)


def _expire_tokens(vendor: Visma, arguments: Row, at: datetime) -> Row:
    return {"expired": vendor.access.expire(arguments.get("tenant_id"))}


def _set_preferences(vendor: Visma, arguments: Row, at: datetime) -> Row:
    wishes = {name: value for name, value in arguments.items() if name != "tenant_id"}
    return seed.set_preferences(_company(vendor, arguments), wishes)


def _set_rate(vendor: Visma, arguments: Row, at: datetime) -> Row:
    """Enter a rate of a currency from a day on; without `rate`, all of the currency's are taken away."""
    company, currency = _company(vendor, arguments), str(arguments["currency"])
    if currency not in company.chart.currencies:
        raise ValueError(f"There is no currency {currency!r}; there are {', '.join(company.chart.currencies)}.")
    listed = company.chart.rates.setdefault(currency, [])
    if arguments.get("rate") is None:
        listed.clear()
    else:
        on = date.fromisoformat(arguments["from"]) if arguments.get("from") else company.local(at).date()
        listed.append((on, Decimal(str(arguments["rate"]))))
        listed.sort()
    return {"currency": currency, "rates": [{"from": on.isoformat(), "rate": str(rate)} for on, rate in listed]}


def _set_token_rules(vendor: Visma, arguments: Row, at: datetime) -> Row:
    access = vendor.access
    access.token_life_s = int(arguments.get("life_s", access.token_life_s))
    access.unapproved_error = str(arguments.get("unapproved_error", access.unapproved_error))
    return {"life_s": access.token_life_s, "unapproved_error": access.unapproved_error}


def _set_rate_limit(vendor: Visma, arguments: Row, at: datetime) -> Row:
    limit = int(arguments["limit"])
    if "tenant_id" not in arguments:
        vendor.access.limit = limit
        vendor.access.limits.clear()
    else:
        company = _company(vendor, arguments)
        vendor.access.limits[company.tenant_id, company.client_id] = limit
    if arguments.get("restart", True):
        vendor.access.windows.clear()
    return {"limit": limit}


def _touch(vendor: Visma, arguments: Row, at: datetime) -> Row:
    """Change a row version, as a person at the screen would. Number "last" is the newest journal transaction."""
    company = _company(vendor, arguments)
    kind, number = str(arguments.get("kind")), str(arguments.get("number"))
    now, stamp = company.local(at), company.stamp()
    batch = _batch(company, str(arguments.get("module", "GL")), number) if kind == "journaltransaction" else None
    if batch is not None:
        company.ledger.changed(batch, now, stamp)
        return {"stamp": stamp}
    found = _touchable(company, kind, number)
    found.modified, found.stamp = now, stamp
    return {"stamp": stamp}


def _batch(company: Company, module: str, number: str) -> Batch | None:
    batches = company.ledger.batches
    if number != "last":
        return batches.get((module, number))
    return next((batch for batch in reversed(batches.values()) if batch.module == module), None)


def _touchable(company: Company, kind: str, number: str) -> Any:
    places: dict[str, Any] = {
        "customer": company.customers.get(number),
        "supplier": company.suppliers.get(number),
        "account": company.chart.accounts.get(number),
        "customerinvoice": company.customer_documents.get(("Invoice", number)),
        "customerCreditNote": company.customer_documents.get(("CreditNote", number)),
        "customerDebitNote": company.customer_documents.get(("DebitNote", number)),
        "customerPayment": next((p for p in company.payments.values() if p.number == number), None),
        "supplierInvoice": next((d for d in company.supplier_documents.values() if d.number == number), None),
        "segment": company.chart.segments.get(int(number)) if number.isdigit() else None,
    }
    if places.get(kind) is None:
        raise ValueError(f"There is no {kind} {number!r}; kinds are journaltransaction, {', '.join(places)}.")
    return places[kind]


def _subscribe(vendor: Visma, arguments: Row, at: datetime) -> Row:
    company = _company(vendor, arguments)
    key = str(arguments.get("key") or f"{company.random.getrandbits(128):032x}")
    subscription = Subscription(
        str(arguments["url"]),
        key,
        frozenset(arguments.get("events") or ()),
        float(arguments.get("duplicate", 0)),
        float(arguments.get("lost", 0)),
    )
    company.subscriptions = [known for known in company.subscriptions if known.url != subscription.url]
    company.subscriptions.append(subscription)
    return {"url": subscription.url, "key": key}


def _seed_rows(vendor: Visma, arguments: Row, at: datetime) -> Row:
    kind = str(arguments.get("kind"))
    company = _company(vendor, arguments)
    return {kind: seeded(company, kind, list(arguments.get("rows") or []), company.local(at))}


def _by_hand(vendor: Visma, arguments: Row, at: datetime) -> Row:
    """One act of a person, told as the call that does the same: method, path, body."""
    body = json.dumps(arguments["body"]).encode() if "body" in arguments else b""
    asked = Request(str(arguments.get("method", "POST")), str(arguments["path"]), str(arguments.get("query", "")),
                    {"content-type": "application/json", "host": "program"}, body)  # fmt: skip
    try:
        done = vendor.by_hand(_company(vendor, arguments), asked, at)
    except Refusal as refusal:
        raise ValueError(f"{arguments['path']}: {refusal.response().body.decode()}") from refusal
    location = next((value for name, value in done.headers if name.lower() == "location"), "")
    return {"status": done.status, "number": location.rpartition("/")[2], "body": json.loads(done.body or b"null")}


def _books(vendor: Visma, arguments: Row, at: datetime) -> Row:
    company = _company(vendor, arguments)
    wanted = set(arguments.get("statuses") or ("Posted", "Unposted", "Balanced", "Hold"))
    batches = [b for b in company.ledger.batches.values() if b.status in wanted]
    if "module" in arguments:
        batches = [batch for batch in batches if batch.module == arguments["module"]]
    return {"base_currency": company.chart.base_currency, "vouchers": [_voucher(batch) for batch in batches]}


def _voucher(batch: Batch) -> Row:
    return {
        "module": batch.module,
        "number": batch.number,
        "status": batch.status,
        "date": batch.date.isoformat(),
        "period": batch.period,
        "currency": batch.currency,
        "rate": str(batch.rate),
        "description": batch.description,
        "create_vat": batch.create_vat,
        "attachments": len(batch.attachments),
        "lines": [
            {
                "account": line.account.number,
                "segments": {str(n): value for n, value in enumerate(line.sub.values, 1)},
                "debit": str(line.debit),
                "credit": str(line.credit),
                "base_debit": str(line.base_debit),
                "base_credit": str(line.base_credit),
                "reference": line.reference,
                "text": line.text,
                "vat_code": line.vat_code,
                "vat_id": line.vat_id,
                "party": line.party,
            }
            for line in batch.lines
        ],
    }


def _balances(vendor: Visma, arguments: Row, at: datetime) -> Row:
    """What is in the ledger (Posted and Unposted): per account and currency, debit less credit."""
    company = _company(vendor, arguments)
    sums: dict[str, dict[str, Decimal]] = {}
    base: dict[str, Decimal] = {}
    for batch in company.ledger.batches.values():
        if batch.status not in ("Posted", "Unposted"):
            continue
        for line in batch.lines:
            found = sums.setdefault(line.account.number, {})
            found[batch.currency] = found.get(batch.currency, ZERO) + line.debit - line.credit
            base[line.account.number] = base.get(line.account.number, ZERO) + line.base_debit - line.base_credit
    return {
        "base_currency": company.chart.base_currency,
        "accounts": {
            number: {currency: str(v) for currency, v in found.items()} for number, found in sorted(sums.items())
        },
        "base": {number: str(amount) for number, amount in sorted(base.items())},
        "total": str(sum(base.values(), ZERO)),
    }


def _reset(vendor: Visma, arguments: Row, at: datetime) -> Row:
    vendor.start(int(arguments.get("seed", vendor.seed)))
    return {"reset": True}


_VERBS: dict[str, Verb] = {
    "seed_company": _seed_company,
    "companies": _describe,
    "close_period": lambda vendor, arguments, at: _period(vendor, arguments, at, close=True),
    "open_period": lambda vendor, arguments, at: _period(vendor, arguments, at, close=False),
    "set_account": _set_account,
    "deactivate_account": _deactivate_account,
    "approve_tenant": lambda vendor, arguments, at: _set_approval(vendor, {"state": "approved", **arguments}, at),
    "revoke_tenant": lambda vendor, arguments, at: _set_approval(vendor, {"state": "revoked", **arguments}, at),
    "expire_tokens": _expire_tokens,
    "set_token_rules": _set_token_rules,
    "set_preferences": _set_preferences,
    "set_rate": _set_rate,
    "set_rate_limit": _set_rate_limit,
    "touch": _touch,
    "subscribe": _subscribe,
    "seed_rows": _seed_rows,
    "by_hand": _by_hand,
    "invoice_many": lambda vendor, arguments, at: bulk.invoice_many(vendor, _company(vendor, arguments), arguments, at),
    "books": _books,
    "balances": _balances,
    "reset": _reset,
}
