"""What is really there, apart from listings: every record in both layers, every request, document and parcel."""

from __future__ import annotations

from collections import Counter

from ml_connector_sandbox.basware import api_status
from ml_connector_sandbox.basware.documents import Document
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.state import Posted, Record, Tenant, World
from ml_connector_sandbox.basware.times import stamp


def truth(world: World, tenant: Tenant, *, resource: str | None) -> Json:
    """Everything of a tenant, or with `resource` only those records beside the counts."""
    tables = {name: rows for name, rows in tenant.records.items() if resource in (None, name)}
    return {
        "tenant_id": tenant.id,
        "records": {
            name: {code: _record(row) for code, row in sorted(rows.items())} for name, rows in sorted(tables.items())
        },
        "requests": [_request(posted) for posted in tenant.requests.values()],
        "documents": {key: _document(document) for key, document in tenant.documents.items()},
        "parcels": {
            key: {
                "via": parcel.via, "document_id": parcel.document_id, "trouble": parcel.trouble,
                "image_bytes": len(parcel.image), "content": parcel.content,
            }
            for key, parcel in tenant.parcels.items()
        },
        "subscriptions": len(world.desk.of(tenant)),
        "tasks": [task.as_json() for task in world.desk.tasks.values() if task.tenant_id == tenant.id],
        "pushes": world.desk.counts | {"waiting": world.desk.waiting_count()},
        "counts": {name: len(rows) for name, rows in sorted(tenant.records.items())},
        "document_states": dict(Counter(document.status for document in tenant.documents.values())),
        "item_states": dict(Counter(i.status for posted in tenant.requests.values() for i in posted.items)),
        "mishaps": list(world.mishaps),
    }  # fmt: skip


def _record(record: Record) -> Json:
    return {
        "interface": None if record.removed else record.content, "target": record.p2p, "versions": record.version,
        "in_flight": record.open, "updated": stamp(record.updated),
    }  # fmt: skip


def _request(posted: Posted) -> Json:
    row = api_status.shown(posted)
    return {
        "request_id": posted.request_id, "entity_type": posted.entity_type, "operation": posted.operation,
        "resource": posted.resource, "received": stamp(posted.received), "due": stamp(posted.due),
        "status": posted.status, "items": row["systems"][0]["items"],
    }  # fmt: skip


def _document(document: Document) -> Json:
    return {
        "status": document.status, "kind": document.kind, "via": document.via, "offered": document.offered,
        "payment": document.payment, "content": document.content,
    }  # fmt: skip
