"""Transaction Search v1: the report that lags, pages from 1, refuses large answers; and the balances."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ml_connector_sandbox.core.instants import DAY, SECOND
from ml_connector_sandbox.paypal.calls import Answer, Call, whole
from ml_connector_sandbox.paypal.ledger import Order, Payer, Row
from ml_connector_sandbox.paypal.money import CURRENCIES, wire
from ml_connector_sandbox.paypal.refusals import Json, Refused, bad
from ml_connector_sandbox.paypal.times import parse, stamp

_BLOCKS = (
    "transaction_info", "payer_info", "shipping_info", "auction_info", "cart_info", "incentive_info", "store_info",
)  # fmt: skip
_FILTERS = (
    "transaction_id", "transaction_type", "transaction_status", "transaction_amount", "transaction_currency",
    "payment_instrument_type", "store_id", "terminal_id",
)  # fmt: skip
QUERY = (*_FILTERS, "start_date", "end_date", "fields", "balance_affecting_records_only", "page_size", "page")
_LONGEST = 31 * DAY
_HISTORY = 3 * 366 * DAY
_NO_DATA = "Data for the given start date is not available."


def refreshed(call: Call) -> int:
    """Up to when reports know the ledger: a whole second, the lag ago."""
    return (call.now - call.world.span(call.world.knobs.report_lag_s)) // SECOND * SECOND


def transactions(call: Call) -> Answer:
    """`GET /v1/reporting/transactions`."""
    start, end = _window(call)
    blocks = _blocks(call)
    seen_at = refreshed(call)
    if start > seen_at:
        raise Refused(400, _NO_DATA, _NO_DATA, message=_NO_DATA)
    served = min(end, seen_at)
    rows = _chosen(call, start, served, seen_at)
    most = call.world.knobs.resultset_limit
    if len(rows) > most:
        text = "Result set size is greater than the maximum limit. Change the filter criteria and try again."
        extra: Json = {"information_link": "", "total_items": len(rows), "maximum_items": most}
        raise Refused(400, name="RESULTSET_TOO_LARGE", message=text, extra=extra)
    size = whole(call, "page_size", default=100, low=1, high=500)
    page = whole(call, "page", default=1, low=1, high=2_147_483_647)
    pages = -(-len(rows) // size)
    shown = [_detail(call, row, blocks) for row in rows[(page - 1) * size : page * size]]
    odd = call.world.knobs.field_shapes
    body: Json = {"transaction_details": shown} if shown or odd else {}
    body |= {"account_number": call.merchant.id, "start_date": _time(call, start), "end_date": _time(call, served)}
    body |= {"last_refreshed_datetime": _time(call, seen_at), "page": page - 1 if odd else page}
    return Answer(200, body | {"total_items": len(rows), "total_pages": pages, "links": _links(call, page, pages)})


def _window(call: Call) -> tuple[int, int]:
    for name in ("start_date", "end_date"):
        if name not in call.query:
            raise bad("MISSING_REQUIRED_PARAMETER", "A required field is missing.", field=name, location="query")
    start, end = (parse(call.query[name], name) for name in ("start_date", "end_date"))
    if end < start:
        raise bad("INVALID_DATE_RANGE", "end_date lies before start_date.", field="end_date", location="query")
    if end - start > _LONGEST:
        text = "Date range is greater than 31 days"
        raise bad("INVALID_DATE_RANGE", text, field="end_date", location="query")
    if start < call.now - _HISTORY:
        raise bad("INVALID_DATE_RANGE", "Reports reach back three years.", field="start_date", location="query")
    return start, end


def _chosen(call: Call, start: int, end: int, seen_at: int) -> list[Row]:
    knobs, query = call.world.knobs, call.query
    order: Order = "initiated" if knobs.report_order == "initiated" else "updated"
    only = query.get("balance_affecting_records_only", "Y")
    if only not in {"Y", "N"}:
        text = "Expected Y or N."
        raise bad("INVALID_PARAMETER_VALUE", text, field="balance_affecting_records_only", location="query")
    low, high = _amounts(query.get("transaction_amount"))
    rows = []
    for row in call.merchant.ledger.window(order, start, end, seen_at=seen_at):
        if only == "Y" and not row.affects_balance:
            continue
        if low is not None and high is not None and not low <= abs(row.amount) <= high:
            continue
        if _passes(row, query):
            rows.append(row)
    return rows[::-1] if knobs.newest_first else rows


def _amounts(asked: str | None) -> tuple[int | None, int | None]:
    if asked is None:
        return None, None
    low, _, high = asked.partition(" TO ")
    if not (low.isdigit() and high.isdigit()):
        text = "Expected a range such as 500 TO 1005."
        raise bad("INVALID_PARAMETER_SYNTAX", text, field="transaction_amount", value=asked, location="query")
    return int(low), int(high)


def _passes(row: Row, query: dict[str, str]) -> bool:
    wanted = {
        "transaction_id": row.transaction_id, "transaction_type": row.code, "transaction_status": row.status,
        "transaction_currency": row.currency, "payment_instrument_type": row.instrument, "store_id": "",
        "terminal_id": "",
    }  # fmt: skip
    return all(query[name] == value for name, value in wanted.items() if name in query)


def _blocks(call: Call) -> tuple[str, ...]:
    asked = call.query.get("fields", "transaction_info").split(",")
    if asked == ["all"]:
        return _BLOCKS
    unknown = [name for name in asked if name not in _BLOCKS]
    if unknown:
        text = "Unknown field."
        raise bad("INVALID_PARAMETER_VALUE", text, field="fields", value=unknown[0], location="query")
    return tuple(asked)


def _detail(call: Call, row: Row, blocks: tuple[str, ...]) -> Json:
    odd = call.world.knobs.field_shapes
    detail: Json = {}
    if "transaction_info" in blocks:
        detail["transaction_info"] = _info(call, row)
    if "payer_info" in blocks and (row.payer or odd):
        detail["payer_info"] = _payer(row.payer) if row.payer else {"address_status": "N", "payer_name": {}}
    if "cart_info" in blocks and (row.paypal_invoice_id or odd):
        cart: Json = {"item_details": []} if odd else {}
        detail["cart_info"] = cart | ({"paypal_invoice_id": row.paypal_invoice_id} if row.paypal_invoice_id else {})
    if odd:
        detail |= {name: {} for name in blocks if name not in detail}
    return detail


def _info(call: Call, row: Row) -> Json:
    odd = call.world.knobs.field_shapes
    info: Json = {"paypal_account_id": row.payer.account_id} if row.payer else {}
    info["transaction_id"] = row.transaction_id
    if row.reference:
        pre_approved = odd and row.reference_type == "PAP"
        info["paypal_reference_id"] = f"B-{row.reference}" if pre_approved else row.reference
        info["paypal_reference_id_type"] = row.reference_type
    info |= {"transaction_event_code": row.code, "transaction_initiation_date": _time(call, row.initiated)}
    info |= {"transaction_updated_date": _time(call, row.updated)}
    info["transaction_amount"] = wire(row.amount, row.currency)
    info |= {"fee_amount": wire(row.fee, row.currency)} if row.fee is not None else {}
    info["transaction_status"] = row.status
    info |= {"transaction_subject": _plain(row.subject)} if row.subject else {}
    info |= {"transaction_note": _plain(row.note)} if row.note else {}
    if row.affects_balance and not any(name in call.query for name in _FILTERS):
        info["ending_balance"] = wire(row.ending_total, row.currency)
        info["available_balance"] = wire(row.ending_available, row.currency)
    info |= {"invoice_id": _plain(row.invoice_id)} if row.invoice_id else {}
    info |= {"custom_field": _plain(row.custom)} if row.custom else {}
    info["protection_eligibility"] = "01" if row.amount > 0 and row.payer else "02"
    return info | ({"instrument_type": row.instrument} if row.instrument else {})


def _plain(text: str) -> str:
    # The report allows a small set of characters only: what a caller wrote otherwise comes out changed.
    allowed = "_'-., \":;!?"
    return "".join(c if (c.isascii() and c.isalnum()) or c in allowed else "_" for c in text)


def _payer(payer: Payer) -> Json:
    name = {"given_name": payer.given_name, "surname": payer.surname}
    name["alternate_full_name"] = f"{payer.given_name} {payer.surname}".strip()
    shown: Json = {"account_id": payer.account_id, "email_address": payer.email, "address_status": "Y"}
    return shown | {"payer_status": "Y", "payer_name": name, "country_code": payer.country}


def _time(call: Call, us: int) -> str:
    return stamp(us)[:-1] + "+0000" if call.world.knobs.field_shapes else stamp(us)


def _links(call: Call, page: int, pages: int) -> list[Json]:
    def to(number: int, rel: str) -> Json:
        return call.world.link(f"/v1/reporting/transactions?{urlencode(call.query | {'page': number})}", rel)

    links = [to(page, "self")]
    if pages:
        links += [to(1, "first"), to(pages, "last")]
    links += [to(page - 1, "prev")] if 1 < page <= pages else []
    return links + ([to(page + 1, "next")] if page < pages else [])


def balances(call: Call) -> Answer:
    """`GET /v1/reporting/balances`."""
    seen_at = refreshed(call)
    at = seen_at
    if "as_of_time" in call.query:
        at = min(parse(call.query["as_of_time"], "as_of_time"), seen_at)
        if at < call.now - _HISTORY:
            raise bad("INVALID_DATE_RANGE", "Balances reach back three years.", field="as_of_time", location="query")
    wanted = call.query.get("currency_code")
    if wanted not in {None, "ALL"} and wanted not in CURRENCIES:
        text = "Currency code is not supported."
        raise bad("INVALID_PARAMETER_VALUE", text, field="currency_code", value=str(wanted), location="query")
    found: dict[str, Any] = dict.fromkeys(call.merchant.held, (0, 0)) | call.merchant.ledger.balances(at)
    names = sorted(found) if wanted in {None, "ALL"} else [c for c in found if c == wanted]
    body: Json = {"balances": [_balance(call, name, *found[name]) for name in names]}
    body |= {"account_id": call.merchant.id, "as_of_time": _time(call, at)}
    return Answer(200, body | {"last_refresh_time": _time(call, seen_at)})


def _balance(call: Call, currency: str, total: int, available: int) -> Json:
    shown: Json = {"currency": currency, "primary": currency == call.merchant.currency}
    shown["total_balance"] = wire(total, currency)
    shown["available_balance"] = wire(available, currency)
    return shown | {"withheld_balance": wire(total - available, currency)}
