"""The control verbs: what no API can do. Their arguments and answers stand in README.md."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.basware import control_documents, network, seeding, worker
from ml_connector_sandbox.basware import truth as noted
from ml_connector_sandbox.basware.api_status import ENTITIES
from ml_connector_sandbox.basware.knobs import CHOICES
from ml_connector_sandbox.basware.refusals import Json, doubled, exact
from ml_connector_sandbox.basware.state import World
from ml_connector_sandbox.core import failures, verbs

Verb = Callable[[World, Json, int], Any]
_STATUSES = {401, 403, 409, 429, 500, 502, 503}


def run(world: World, verb: str, arguments: Json, now: int) -> Any:
    """Do one verb. ValueError when it is unknown or its arguments make no sense."""
    return verbs.run(
        "Basware", VERBS, world, verb, exact(arguments), now, told=lambda result: doubled(copy.deepcopy(result))
    )


def _knobs(world: World, arguments: Json, now: int) -> Json:
    told = verbs.turn_knobs(world.knobs, arguments, CHOICES)
    if arguments.get("paused") is False:
        for tenant in world.tenants.values():
            worker.work(world, tenant, now, overdue=True)
    return told


def _work(world: World, arguments: Json, now: int) -> Json:
    """Finish every open request and parcel now."""
    tenants = [world.tenant(arguments["tenant_id"])] if "tenant_id" in arguments else list(world.tenants.values())
    finished = sum(worker.work(world, tenant, now) for tenant in tenants)
    for tenant in tenants:
        for parcel in tenant.parcels.values():
            if parcel.via == "network" or parcel.image:
                network.deliver(world, tenant, parcel, now)
    return {"finished": finished}


def _slow_next(world: World, arguments: Json, now: int) -> Json:
    """The next requests (of an entity type) take that long."""
    del now
    kind = str(arguments.get("entity_type", ""))
    if kind and kind not in ENTITIES:
        raise ValueError(f"No entity type {kind}: use one of {', '.join(ENTITIES)}.")
    world.slow.append((kind, float(arguments["seconds"]), int(arguments.get("times", 1))))
    return {"waiting": len(world.slow)}


def _reject_next(world: World, arguments: Json, now: int) -> Json:
    """The next version of a record ends in Error, or with `warn` in Warning."""
    del now
    into = world.warnings if arguments.get("warn") else world.errors
    into[str(arguments["external_code"])] = str(arguments.get("message", "Refused by a user's rule."))
    return {"errors": len(world.errors), "warnings": len(world.warnings)}


def _fail_next(world: World, arguments: Json, now: int) -> Json:
    """Basware-shaped faults for the requests to come."""
    del now
    world.failures.append(failures.asked_for("Basware", arguments, _STATUSES))
    return {"waiting": sum(failure.times for failure in world.failures)}


def _expire_tokens(world: World, arguments: Json, now: int) -> Json:
    """All tokens of a client die, or all there are."""
    del now
    mine = [t for t in world.tokens.values() if arguments.get("client_id") in (None, t.client_id) and not t.revoked]
    for token in mine:
        token.revoked = True
    return {"expired": len(mine)}


def _push_again(world: World, arguments: Json, now: int) -> Json:
    """Deliver a task, or the newest, once more."""
    tasks = world.desk.tasks
    key = arguments.get("task_id") or next(reversed(tasks), None)
    if key not in tasks:
        raise ValueError("No such task: only what a subscription wanted has one.")
    return {"task_id": key, "queued": world.desk.send(tasks[str(key)], now)}


def _truth(world: World, arguments: Json, now: int) -> Json:
    del now
    return noted.truth(world, world.tenant(arguments.get("tenant_id")), resource=arguments.get("resource"))


VERBS: dict[str, Verb] = {
    "seed_tenant": seeding.seed_tenant,
    "client": seeding.client,
    "user": seeding.user,
    "seed_records": seeding.seed_records,
    "invoice": control_documents.invoice,
    "invoice_orders": control_documents.invoice_orders,
    "approve": control_documents.approve,
    "retransfer": control_documents.retransfer,
    "mark": control_documents.mark,
    "work": _work,
    "slow_next": _slow_next,
    "reject_next": _reject_next,
    "fail_next": _fail_next,
    "expire_tokens": _expire_tokens,
    "push_again": _push_again,
    "knobs": _knobs,
    "truth": _truth,
}
