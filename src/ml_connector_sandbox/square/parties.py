"""Customers and vendors: created, changed, merged, deleted; with the events each change sends."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.square.faults import Json, Refused, bad
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World, must
from ml_connector_sandbox.square.times import stamp

CUSTOMER_FIELDS = (
    "given_name", "family_name", "company_name", "nickname", "email_address", "address", "phone_number",
    "reference_id", "note", "birthday", "tax_ids",
)  # fmt: skip
VENDOR_FIELDS = ("name", "address", "contacts", "account_number", "note", "status")


def create_customer(
    world: World,
    merchant: Merchant,
    fields: Json,
    now: int,
    *,
    source: str = "THIRD_PARTY",
    context: Json | None = None,
) -> Stored:
    """A new customer. Needs a name, company, e-mail or phone, as Square does."""
    kept = {k: fields[k] for k in CUSTOMER_FIELDS if fields.get(k)}
    if not kept.keys() & {"given_name", "family_name", "company_name", "email_address", "phone_number"}:
        raise bad("BAD_REQUEST", "A customer needs a name, company_name, email_address or phone_number.")
    body: Json = {"id": world.mint.upper(26), "created_at": stamp(now), "updated_at": stamp(now)} | kept
    body |= {"preferences": {"email_unsubscribed": False}, "creation_source": source, "version": 0}
    row = merchant.customers.put(Stored(body, "", now))
    _tell_customer(world, merchant, row, type_="customer.created", now=now, context=context)
    return row


def update_customer(world: World, merchant: Merchant, row: Stored, changes: Json, now: int) -> None:
    """Sparse update; null clears a field."""
    version = changes.get("version")
    if version is not None and version != row.body["version"]:
        raise Refused(409, "CONFLICT", f"Customer {row.id} is at version {row.body['version']}.", field="version")
    for name in CUSTOMER_FIELDS:
        if name in changes:
            row.body.pop(name, None)
            row.body |= {name: changes[name]} if changes[name] not in (None, "") else {}
    row.body["version"] += 1
    row.body["updated_at"] = stamp(now)
    merchant.customers.changed(row, now)
    _tell_customer(world, merchant, row, type_="customer.updated", now=now)


def delete_customer(world: World, merchant: Merchant, row: Stored, now: int, *, context: Json | None = None) -> None:
    """Remove a customer; the event carries its last state."""
    merchant.customers.remove(row)
    _tell_customer(world, merchant, row, type_="customer.deleted", now=now, context=context, deleted=True)


def merge_customers(world: World, merchant: Merchant, keys: list[str], now: int) -> Stored:
    """Merge: a new customer appears, the old ones go; all three events name the merge."""
    rows = [must(merchant.customers.own(key), "Customer", key) for key in keys]
    if len(rows) < 2:
        raise ValueError("A merge needs at least two customer ids in `merge`.")
    fields: Json = {}
    for row in reversed(rows):
        fields |= {k: v for k, v in row.body.items() if k in CUSTOMER_FIELDS}
    context: Json = {"merge": {"from_customer_ids": list(keys), "to_customer_id": ""}}
    # The new id must stand in its own event, so it is struck before the event is sent.
    made = create_customer(world, merchant, fields, now, source="MERGE", context=context)
    for row in rows:
        delete_customer(world, merchant, row, now, context=context)
    if world.knobs.merge_repoints:
        _repoint(merchant, keys, made.id, now)
    return made


def _repoint(merchant: Merchant, keys: list[str], to: str, now: int) -> None:
    for shelf in (merchant.invoices, merchant.orders):
        for row in list(shelf.rows.values()):
            holder = row.body.get("primary_recipient") or row.body
            if holder.get("customer_id") in keys:
                holder["customer_id"] = to
                row.body |= {"updated_at": stamp(now)}
                if "version" in row.body:
                    row.body["version"] += 1
                shelf.changed(row, now)


def _tell_customer(
    world: World,
    merchant: Merchant,
    row: Stored,
    *,
    type_: str,
    now: int,
    context: Json | None = None,
    deleted: bool = False,
) -> None:
    content: Json = {"customer": row.body}
    if context is not None:
        if type_ == "customer.created":
            context["merge"]["to_customer_id"] = row.id
        content["event_context"] = context
    world.desk.emit(
        merchant, type_=type_, data_type="customer", data_id=row.id, content=content, now=now, deleted=deleted
    )


def create_vendor(world: World, merchant: Merchant, fields: Json, now: int) -> Stored:
    """A new vendor; its name is needed and unique."""
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        raise bad("MISSING_REQUIRED_PARAMETER", "A vendor needs a name.", field="vendor.name")
    _unique_name(merchant, name, None)
    body: Json = {"id": world.mint.upper(16), "created_at": stamp(now), "updated_at": stamp(now), "name": name}
    body |= {k: fields[k] for k in ("address", "account_number", "note") if fields.get(k)}
    if fields.get("contacts"):
        body["contacts"] = [_contact(world, c, n) for n, c in enumerate(fields["contacts"])]
    body |= {"version": 1, "status": fields.get("status") or "ACTIVE"}
    row = merchant.vendors.put(Stored(body, "", now))
    _tell_vendor(world, merchant, row, operation="CREATED", now=now)
    return row


def update_vendor(world: World, merchant: Merchant, row: Stored, changes: Json, now: int) -> None:
    """Sparse update; a given version must be the present one."""
    version = changes.get("version")
    if version is not None and version != row.body["version"]:
        raise Refused(409, "CONFLICT", f"Vendor {row.id} is at version {row.body['version']}.", field="vendor.version")
    if "name" in changes:
        _unique_name(merchant, changes["name"], row.id)
    for name in VENDOR_FIELDS:
        if name in changes:
            value: Any = changes[name]
            if name == "contacts" and value:
                value = [_contact(world, c, n) for n, c in enumerate(value) if not c.get("removed")]
            row.body.pop(name, None)
            row.body |= {name: value} if value is not None else {}
    row.body["version"] += 1
    row.body["updated_at"] = stamp(now)
    merchant.vendors.changed(row, now)
    _tell_vendor(world, merchant, row, operation="UPDATED", now=now)


def _contact(world: World, wanted: Json, n: int) -> Json:
    shown = {"id": wanted.get("id") or world.mint.upper(16), "ordinal": wanted.get("ordinal", n)}
    return shown | {k: wanted[k] for k in ("name", "email_address", "phone_number") if wanted.get(k)}


def _unique_name(merchant: Merchant, name: str, but: str | None) -> None:
    for row in merchant.vendors.rows.values():
        if row.id != but and row.body.get("name") == name:
            raise Refused(409, "CONFLICT", f"A vendor named {name} exists: {row.id}.", field="vendor.name")


def _tell_vendor(world: World, merchant: Merchant, row: Stored, *, operation: str, now: int) -> None:
    # data.id of vendor events is a UUID of its own, not the vendor's id (Square's examples).
    content: Json = {"operation": operation, "vendor": row.body}
    type_ = f"vendor.{operation.lower()}"
    world.desk.emit(merchant, type_=type_, data_type="vendor", data_id=world.mint.uuid(), content=content, now=now)
