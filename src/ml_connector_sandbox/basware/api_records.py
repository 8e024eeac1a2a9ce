"""Reading and writing records: listings, one by its code, POST of arrays, PATCH of one, removal from the interface."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ml_connector_sandbox.basware import refusals, worker
from ml_connector_sandbox.basware.calls import Answer, Call, page_size, paged, since, token_header
from ml_connector_sandbox.basware.fields import faults, tidy
from ml_connector_sandbox.basware.lookups import enrol
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad
from ml_connector_sandbox.basware.resources import Resource, list_columns
from ml_connector_sandbox.basware.shapes_orders import REMOVAL
from ml_connector_sandbox.basware.state import Item, Record
from ml_connector_sandbox.basware.times import stamp
from ml_connector_sandbox.core.instants import SECOND

_MERGED = ("orderLineCoding", "goodsReceipts")


def shown(record: Record) -> Json:
    """A record as the interface shows it."""
    return record.content | {"lastUpdated": stamp(record.updated)}


def table_key(call: Call, resource: Resource) -> str:
    """Under which name the tenant keeps the records. Refused for a generic list that does not exist."""
    key = call.args.get("listKey")
    if key is None:
        return resource.name
    if list_columns(key) is None:
        raise bad(refusals.PARAMETER, f"There is no list {key}.")
    return f"{resource.name}/{key}"


def listing(call: Call, resource: Resource) -> Answer:
    """`GET /v1/<resource>`."""
    table = call.tenant.table(table_key(call, resource))
    size = page_size(call, resource.page_default, resource.page_max)
    after, company, order = since(call), call.query.get("companyCode"), call.query.get("orderExternalCode")
    if resource.name == "matchingOrderLines" and not order:
        raise bad(refusals.PARAMETER, "orderExternalCode is required.")

    def found() -> list[str]:
        wanted = [
            record
            for record in table.values()
            if not record.removed and record.updated > after and _of_company(record.content, company)
            and (order is None or record.content.get("orderExternalCode") == order)
        ]  # fmt: skip
        return [record.external_code for record in sorted(wanted, key=lambda r: (r.updated, r.external_code))]

    keys, token = paged(call, found, size)
    return Answer({resource.wrapper: [shown(table[key]) for key in keys]}, headers=token_header(token))


def reading(call: Call, resource: Resource) -> Answer:
    """`GET /v1/<resource>/{externalCode}`; a project comes in the older shape, as the interface declares it."""
    content = shown(_record(call, resource))
    if resource.name == "projects":
        content["projectNames"] = [{"language": "en-US", "translation": content.pop("projectName").ljust(2)}]
    return Answer(content)


def creating(call: Call, resource: Resource) -> Answer:
    """`POST /v1/<resource>`: full overwrite of each record of the array."""
    key = table_key(call, resource)
    good, wrong = _sorted_out(call, resource)
    if wrong and (call.world.knobs.whole_batch or not good):
        raise Refused(400, *wrong)
    twice = [code for code, n in Counter(record["externalCode"] for record in good).items() if n > 1]
    flying = [r["externalCode"] for r in good if _flying(call, key, r["externalCode"])]
    if twice or flying:
        texts = [Fault(refusals.CONFLICT, "The record stands in the request twice.", code) for code in twice]
        texts += [Fault(refusals.CONFLICT, "The record is being changed.", code) for code in flying]
        raise Refused(409, *texts)
    items = [_stored(call, resource, key, record) for record in good]
    worker.queue(call, resource.entity, resource.version, "POST", key, items)
    if wrong:
        raise Refused(400, *wrong)
    table = call.tenant.table(key)
    return Answer([shown(table[item.external_code]) for item in items])


def patching(call: Call, resource: Resource) -> Answer:
    """`PATCH /v1/<resource>/{externalCode}`: the fields that are sent; null says nothing."""
    record = _record(call, resource)
    _wrong_is_refused(call.body, resource)
    if call.body["externalCode"] != record.external_code:
        text = "externalCode of the body is not that of the path."
        raise bad(refusals.MISMATCH, text, record.external_code)
    sent = tidy({k: v for k, v in call.body.items() if k != "lastUpdated"}, resource.shape)
    knobs = call.world.knobs
    if resource.name == "vendors":
        for name, value in sent.items():
            if isinstance(value, list) and value != record.content.get(name):
                raise bad(refusals.INVALID, f"{name}: PATCH does not change arrays of vendors.", record.external_code)
    if resource.name == "matchingOrderLines":
        if record.patched and call.now - record.patched < knobs.patch_lock_s * SECOND:
            raise Refused(503)
        record.patched = call.now
    if knobs.patch_arrays == "merge":
        sent |= _merged(record.content, sent, absent=False)
    key = table_key(call, resource)
    item = _stored(call, resource, key, record.content | sent, overwrite=False)
    worker.queue(call, resource.entity, resource.version, "PATCH", key, [item])
    return Answer(shown(record))


def removing(call: Call, resource: Resource) -> Answer:
    """`DELETE /v1/<resource>`: from the interface alone, the target system keeps its record."""
    table = call.tenant.table(table_key(call, resource))
    found = faults(call.body, REMOVAL)
    if found:
        raise bad(refusals.SCHEMA, "; ".join(found))
    if call.body.get("externalCode"):
        record = table.get(call.body["externalCode"])
        if record is None or record.removed:
            raise bad("ENTITY_NOT_FOUND", "There is no such record.", call.body["externalCode"])
        record.removed = True
        return Answer({"taskStatus": "Completed"})
    if not call.body.get("lastUpdated"):
        raise bad(refusals.SCHEMA, "externalCode or lastUpdated is required.")
    call.query["lastUpdated"] = call.body["lastUpdated"]
    after = since(call)
    for record in table.values():
        record.removed = record.removed or record.updated > after
    return Answer({"statusApiLink": f"/v1/taskStatus/{call.world.mint.uuid()}", "taskStatus": "InProgress"}, 202)


def _sorted_out(call: Call, resource: Resource) -> tuple[list[Json], list[Fault]]:
    body = call.body
    if not isinstance(body, list):
        raise bad(refusals.SCHEMA, "The body must be an array of records.")
    if not 1 <= len(body) <= resource.post_limit:
        raise bad(refusals.PARAMETER, f"{len(body)} records; one request takes 1 to {resource.post_limit}.")
    good: list[Json] = []
    wrong: list[Fault] = []
    for record in body:
        found = faults(record, resource.shape)
        code = record.get("externalCode") if isinstance(record, dict) else None
        wrong += [Fault(refusals.SCHEMA, text, code if isinstance(code, str) else None) for text in found]
        if not found:
            good.append(tidy({k: v for k, v in record.items() if k != "lastUpdated"}, resource.shape))
    return good, wrong


def _wrong_is_refused(body: Any, resource: Resource) -> None:
    # The body has the POST shape, required fields and all; null is let through, it stands for "not sent".
    sent = {k: v for k, v in body.items() if v is not None} if isinstance(body, dict) else body
    found = faults(sent, resource.shape)
    if found:
        raise Refused(400, *(Fault(refusals.SCHEMA, text) for text in found))


def _record(call: Call, resource: Resource) -> Record:
    record = call.tenant.table(table_key(call, resource)).get(call.args["externalCode"])
    if record is None or record.removed:
        raise Refused(404)
    return record


def _flying(call: Call, key: str, code: str) -> bool:
    record = call.tenant.table(key).get(code)
    return call.world.knobs.conflict_in_flight and record is not None and record.open > 0


def _stored(call: Call, resource: Resource, key: str, content: Json, *, overwrite: bool = True) -> Item:
    """Take a version into the interface's table and make the item that travels on."""
    table = call.tenant.table(key)
    code = content["externalCode"]
    record = table.get(code)
    if record is None:
        record = table[code] = Record(code, {}, call.now, 0)
    elif overwrite and not record.removed and call.world.knobs.post_arrays == "merge":
        content = content | _merged(record.content, content, absent=True)
    unchanged = record.version > 0 and not record.removed and record.content == content
    if not unchanged:
        enrol(call.tenant, key, content)
        record.content, record.updated, record.removed = content, call.now, False
        record.version += 1
        record.received[record.version] = call.now
    record.open += 1
    parent = content["orderExternalCode"] if resource.name == "matchingOrderLines" else None
    return Item(code, record.version, content, parent, unchanged)


def _merged(old: Json, new: Json, *, absent: bool) -> Json:
    """Receipts and codings of the old version that the new one does not name stay. `absent`: even a missing array."""
    merged: Json = {}
    for name in _MERGED:
        if name in old and (absent or name in new):
            named = {row["externalCode"] for row in new.get(name, [])}
            merged[name] = [row for row in old[name] if row["externalCode"] not in named] + new.get(name, [])
    return merged


def _of_company(content: Json, company: str | None) -> bool:
    if not company:
        return True
    listed = [row["companyCode"] for row in content.get("companies", [])]
    return company in listed or content.get("companyCode") == company
