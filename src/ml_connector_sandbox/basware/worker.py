"""The worker behind the 200: carries requests to the target system later, record by record, and notes outcomes."""

from __future__ import annotations

from ml_connector_sandbox.basware import checks, documents
from ml_connector_sandbox.basware.calls import Call
from ml_connector_sandbox.basware.state import Item, Posted, Tenant, World
from ml_connector_sandbox.core.instants import SECOND


def queue(call: Call, entity: str, version: str, operation: str, resource: str, items: list[Item]) -> Posted:
    """Note a request and have it done later."""
    world = call.world
    lag, wait = world.span(world.knobs.status_lag_s), world.span(_delay_s(world, entity))
    posted = Posted(
        call.request_id, entity, f"{entity}{version}", operation, resource, call.now, call.now + lag,
        call.now + wait, call.now, items, call.client.id,
    )  # fmt: skip
    tenant = call.tenant
    tenant.requests[posted.request_id] = posted
    world.later(posted.due, lambda at: finish(world, tenant, posted, at))
    return posted


def work(world: World, tenant: Tenant, now: int, *, overdue: bool = False) -> int:
    """Finish what is open, in the order it came; with `overdue` only what should have been done by now."""
    waiting = [p for p in tenant.requests.values() if not p.done and (not overdue or p.due <= now)]
    for posted in waiting:
        finish(world, tenant, posted, now, forced=True)
    return len(waiting)


def finish(world: World, tenant: Tenant, posted: Posted, at: int, *, forced: bool = False) -> None:
    """Do one request, once. A paused worker does nothing unless forced."""
    if posted.done or (world.knobs.paused and not forced):
        return
    for item in posted.items:
        if posted.resource == "documents":
            documents.take_response(world, tenant, posted, item, at)
        else:
            _carry(world, tenant, posted, item)
    if posted.entity_type == "MatchingOrderLine" and world.knobs.lines_transaction:
        _undo_all(posted)
    for item in posted.items:
        if posted.resource != "documents":
            _settle(tenant, posted, item)
    posted.done, posted.updated, posted.visible = True, at, min(posted.visible, at)
    world.desk.emit(tenant, "RequestStatus", posted.status, posted.request_id, at)


def _carry(world: World, tenant: Tenant, posted: Posted, item: Item) -> None:
    record = tenant.table(posted.resource)[item.external_code]
    if item.unchanged:
        item.status = "NotProcessed"
        return
    newer = record.received.get(item.version + 1)
    hurried = newer is not None and newer - record.received[item.version] <= world.knobs.expiry_s * SECOND
    if record.done > item.version or hurried:
        item.status = "RecordExpired"
        told = {"type": "RecordExpired", "message": "A newer version of the record exists.", "category": "Unknown"}
        item.errors.append(told)
        return
    item.status = "Success"
    checks.check(world, tenant, posted.resource, item, record.p2p)
    if item.external_code in world.errors:
        item.fail(world.errors.pop(item.external_code))
    if item.external_code in world.warnings:
        item.warn(world.warnings.pop(item.external_code))
    elif item.status == "Success" and world.mint.chance(world.knobs.warning_share):
        item.warn("A field was not saved.")
    if item.status in ("Success", "Warning"):
        # Written at once, so that later records of the request can lean on it; _undo_all may take it back.
        item.before, record.p2p = record.p2p, item.content


def _undo_all(posted: Posted) -> None:
    """Lines of one request are one transaction: with one in error the others are not kept either."""
    if any(item.status == "Error" for item in posted.items):
        for item in posted.items:
            if item.status in ("Success", "Warning"):
                item.undone = True
                item.fail("Not saved: another line of the request is in error.", "Technical")


def _settle(tenant: Tenant, posted: Posted, item: Item) -> None:
    record = tenant.table(posted.resource)[item.external_code]
    if item.undone:
        record.p2p = item.before
    record.open -= 1
    record.done = max(record.done, item.version)


def _delay_s(world: World, entity: str) -> float:
    for n, (wanted, seconds, times) in enumerate(world.slow):
        if wanted in ("", entity):
            world.slow[n : n + 1] = [(wanted, seconds, times - 1)] if times > 1 else []
            return seconds
    return world.mint.between(world.knobs.delay_low_s, world.knobs.delay_high_s)
