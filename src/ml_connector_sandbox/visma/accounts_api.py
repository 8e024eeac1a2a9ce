"""Accounts, subaccounts and dimensions: the chart that an API client may also change."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.bodies import Body, required
from ml_connector_sandbox.visma.call import Call, Route, created, moment, no_content, ok
from ml_connector_sandbox.visma.chart import Account, Segment, SegmentValue, Subaccount
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import moment_filter, paged, unpaged, with_metadata
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import shown_subaccount

DIMENSION = "SUBACCOUNT"
Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    segment = "/v1/dimension/{dimension}/{segment}"
    return [
        Route("GET", "/v1/account", _accounts),
        Route("POST", "/v1/account", _create_account),
        Route("GET", "/v1/account/{account}", _account),
        Route("PUT", "/v1/account/{account}", _change_account, if_match="sync", subject=lambda c: _found(c).stamp),
        Route("GET", "/v1/subaccount", _subaccounts),
        Route("POST", "/v1/subaccount", _create_subaccount),
        Route("GET", "/v1/subaccount/{sub}", _subaccount),
        Route("PUT", "/v1/subaccount/{sub}", _change_subaccount, if_match="sync", subject=lambda c: _sub(c).stamp),
        Route("GET", "/v1/dimension", _dimensions),
        Route("GET", "/v1/dimension/{dimension}", _dimension),
        Route("GET", segment, _read_segment),
        Route("PUT", segment, _change_segment, if_match="sync", subject=lambda c: _segment(c).stamp),
        Route("GET", segment + "/{value}", _read_value),
    ]


def _accounts(call: Call) -> Response:
    keep, rows = moment_filter(call, "lastModifiedDateTime"), list(call.company.chart.accounts.values())
    rows = [account for account in rows if keep is None or keep(account.modified)]
    if call.query.get("active"):
        rows = [account for account in rows if account.active == call.flag("active")]
    for name, field in (
        ("publicCode", "publicCode1"),
        ("externalCode1", "extenalCode1"),
        ("externalCode2", "externalCode2"),
    ):
        if call.query.get(name):
            rows = [account for account in rows if account.more.get(field) == call.query[name]]
    shown = unpaged(
        call, rows, lambda account: _shown(account, call.flag("includeAccountClassDescription")), key="accountCD"
    )
    return ok(with_metadata(shown, len(rows), call.company.preferences.page_cap))


def _shown(account: Account, with_class: bool = False) -> Row:
    more = account.more
    row: Row = {
        "accountID": account.id,
        "accountCD": account.number,
        "accountGroupCD": more.get("accountGroupCD", ""),
        "accountClass": more.get("accountClass", account.type.upper()[:2]),
        "type": account.type,
        "active": account.active,
        "description": account.description,
        "useDefaultSub": bool(more.get("useDefaultSub", False)),
        "postOption": more.get("postOption", "Summary"),
        "currency": account.currency or "",
        "taxCategory": account.tax_category,
        "cashAccount": account.cash,
        "publicCode1": more.get("publicCode1", ""),
        "lastModifiedDateTime": moment(account.modified),
        "externalCode1Info": {"number": more.get("extenalCode1", ""), "description": ""},
        "externalCode2Info": {"number": more.get("externalCode2", ""), "description": ""},
        "analisysCodeInfo": {"number": more.get("analysisCode", ""), "description": ""},
        "controlAccountModule": account.control_module,
        "allowManualEntry": account.manual,
        "timeStamp": row_version(account.stamp),
    }
    if with_class:
        row["accountClassDescription"] = account.type
    return row


def _found(call: Call) -> Account:
    account = call.company.chart.accounts.get(call.values["account"])
    if account is None:
        raise not_found("Account", call.values["account"])
    return account


def _account(call: Call) -> Response:
    account = _found(call)
    return ok(_shown(account), stamp=account.stamp)


def _create_account(call: Call) -> Response:
    body, company = call.body("Account"), call.company
    number = required(body, "accountCD", "Account")
    if number in company.chart.accounts:
        raise Refusal(400, f"Account '{number}' already exists.")
    made = Account(company.identity(), number, "", required(body, "type"), call.now, company.stamp())
    _merge(company, made, body)
    company.chart.accounts[number] = made
    company.tell("AccountCreated", "account", number)
    return created(call, f"/v1/account/{number}", made.stamp)


def _change_account(call: Call) -> Response:
    account, company = _found(call), call.company
    _merge(company, account, call.body("Account"))
    account.modified, account.stamp = call.now, company.stamp()
    company.tell("AccountChanged", "account", account.number)
    return no_content(account.stamp)


def _merge(company: Company, account: Account, body: Body) -> None:
    if body.get("currency") and body["currency"] not in company.chart.currencies:
        raise Refusal(400, f"'Currency' '{body['currency']}' cannot be found in the system.")
    if body.get("taxCategory") and body["taxCategory"] not in company.chart.categories:
        raise Refusal(400, f"'VAT category' '{body['taxCategory']}' cannot be found in the system.")
    account.description = body.get("description", account.description) or ""
    account.active = account.active if body.get("active") is None else body["active"]
    account.type = body.get("type") or account.type
    account.currency = body.get("currency", account.currency) or None
    account.tax_category = body.get("taxCategory", account.tax_category) or ""
    plain = {"accountClass", "analysisCode", "extenalCode1", "externalCode2", "accountGroupCD", "postOption"}
    account.more |= {
        name: body[name] for name in plain | {"publicCode1", "useDefaultSub"} if body.get(name) is not None
    }


def _subaccounts(call: Call) -> Response:
    keep = moment_filter(call, "lastModifiedDateTime")
    rows = [sub for sub in call.company.chart.subaccounts.values() if keep is None or keep(sub.modified)]
    if call.query.get("active"):
        rows = [sub for sub in rows if sub.active == call.flag("active")]
    return ok(paged(call, rows, lambda sub: shown_subaccount(call.company, sub)))


def _sub(call: Call) -> Subaccount:
    for sub in call.company.chart.subaccounts.values():
        if call.values["sub"] in (sub.number, "".join(sub.values)):
            return sub
    raise not_found("Subaccount", call.values["sub"])


def _subaccount(call: Call) -> Response:
    sub = _sub(call)
    return ok(shown_subaccount(call.company, sub), stamp=sub.stamp)


def _create_subaccount(call: Call) -> Response:
    body, company = call.body("Subaccount"), call.company
    number = required(body, "subaccountNumber", "Subaccount")
    values = tuple(number.split("-"))
    segments = company.chart.segments
    if len(values) != len(segments) or any(v not in segments[i].values for i, v in enumerate(values, 1)):
        raise Refusal(400, f"Subaccount '{number}' has a segment value that does not exist.")
    if values in company.chart.subaccounts:
        raise Refusal(400, f"Subaccount '{number}' already exists.")
    sub = Subaccount(company.identity(), values, body.get("description") or "", call.now, company.stamp())
    sub.active = body.get("active") is not False
    company.chart.subaccounts[values] = sub
    return created(call, f"/v1/subaccount/{number}", sub.stamp)


def _change_subaccount(call: Call) -> Response:
    sub, body = _sub(call), call.body("Subaccount")
    sub.description = body.get("description", sub.description) or ""
    sub.active = sub.active if body.get("active") is None else body["active"]
    sub.modified, sub.stamp = call.now, call.company.stamp()
    return no_content(sub.stamp)


def _dimensions(call: Call) -> Response:
    return ok([DIMENSION, "INVENTORY", "BIZACCT"])


def _dimension(call: Call) -> Response:
    _is_known(call)
    segments = call.company.chart.segments.values()
    with_values = call.flag("expandSegmentsValues")
    return ok(
        {
            "id": DIMENSION,
            "length": sum(segment.length for segment in segments),
            "description": "Subaccount",
            "segments": [_shown_segment(segment, with_values) for segment in segments],
        }
    )


def _is_known(call: Call) -> None:
    if call.values["dimension"].upper() != DIMENSION:
        raise not_found("Dimension", call.values["dimension"])


def _segment(call: Call) -> Segment:
    _is_known(call)
    number = call.values["segment"]
    segment = call.company.chart.segments.get(int(number)) if number.isdigit() else None
    if segment is None:
        raise not_found("Segment", number)
    return segment


def _shown_segment(segment: Segment, with_values: bool) -> Row:
    row: Row = {
        "internalId": segment.guid,
        "segmentId": segment.id,
        "description": segment.description,
        "length": segment.length,
        "publicId": segment.guid,
        "timeStamp": row_version(segment.stamp),
        "lastModified": moment(segment.modified),
        "validate": True,
        "isAutoNumber": False,
        "consolNumChar": 0,
        "consolOrder": segment.id,
    }
    if with_values:
        row["segmentValues"] = [_shown_value(segment, value) for value in segment.values.values()]
    return row


def _shown_value(segment: Segment, value: SegmentValue) -> Row:
    return {
        "internalId": value.guid,
        "segmentId": segment.id,
        "valueId": value.value,
        "description": value.description,
        "publicId": value.guid,
        "active": value.active,
        "timeStamp": row_version(value.stamp),
        "lastModified": moment(value.modified),
        "mappedSegValue": "",
    }


def _read_segment(call: Call) -> Response:
    segment = _segment(call)
    return ok(_shown_segment(segment, with_values=True), stamp=segment.stamp)


def _read_value(call: Call) -> Response:
    segment = _segment(call)
    value = segment.values.get(call.values["value"])
    if value is None:
        raise not_found("Segment value", call.values["value"])
    return ok(_shown_value(segment, value))


def _change_segment(call: Call) -> Response:
    """A refusal comes as 500 here: that is what the contract declares for this one operation."""
    segment, body, company = _segment(call), call.body("DimensionSegment"), call.company
    named = (body.get("dimensionId") or DIMENSION, body.get("segementId") or segment.id)
    if (str(named[0]).upper(), named[1]) != (DIMENSION, segment.id):
        raise Refusal(500, f"Segment '{named[1]}' of '{named[0]}' is not the one of the address.")
    values = dict(segment.values)
    for row in body.get("segmentValues") or ():
        _change_value(company, call, segment, values, row)
    segment.values = values
    segment.description = body.get("description") or segment.description
    segment.modified, segment.stamp = call.now, company.stamp()
    company.tell("SegmentChanged", "dimension", DIMENSION)
    return no_content(segment.stamp)


def _change_value(company: Company, call: Call, segment: Segment, values: dict[str, SegmentValue], row: Body) -> None:
    value, operation = row.get("value") or "", row.get("operation") or "Insert"
    known = values.get(value)
    if operation == "Insert":
        if known is not None:
            raise Refusal(500, f"Segment value '{value}' already exists.")
        if len(value) != segment.length or value != value.strip():
            raise Refusal(500, f"Segment value '{value}' has not {segment.length} characters.")
        known = SegmentValue(value, "", company.guid(), call.now, company.stamp())
    elif known is None:
        raise Refusal(500, f"Segment value '{value}' does not exist.")
    elif operation == "Delete":
        if any(sub.values[segment.id - 1] == value for sub in company.chart.subaccounts.values()):
            raise Refusal(500, f"Segment value '{value}' is used in a subaccount.")
        del values[value]
        return
    active = known.active if row.get("active") is None else row["active"]
    text = row.get("description", known.description) or ""
    values[value] = SegmentValue(value, text, known.guid, call.now, company.stamp(), active)
