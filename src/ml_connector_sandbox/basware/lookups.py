"""Finding what the target system holds by code, by order, by what identifies it, without walking through everything."""

from __future__ import annotations

from collections.abc import Iterator

from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.resources import BY_NAME
from ml_connector_sandbox.basware.state import Tenant

IDENTITY = ("orderNumber", "sourceSystem", "companyCode", "organizationElementCode")


def key_of(resource: str, content: Json) -> str:
    """What a record is found by besides its externalCode."""
    name = resource.partition("/")[0]
    if name == "matchingOrders":
        return "|".join(content[part] for part in IDENTITY)
    if name == "matchingOrderLines":
        return str(content["orderExternalCode"])
    code = BY_NAME[name].code
    return str(content[code]) if code else ""


def enrol(tenant: Tenant, resource: str, content: Json) -> None:
    """Have a record found by its key from now on (also by keys it had: readers compare)."""
    key = key_of(resource, content)
    if key:
        tenant.index.setdefault((resource, key), {})[content["externalCode"]] = None


def found(tenant: Tenant, resource: str, key: str) -> Iterator[Json]:
    """What the target system holds under a key."""
    table = tenant.table(resource)
    for code in tenant.index.get((resource, key), ()):
        content = table[code].p2p
        if content is not None and key_of(resource, content) == key:
            yield content


def has_code(tenant: Tenant, resource: str, code: str, company: str = "") -> bool:
    """Whether the target system knows an active record of that code (in that company)."""
    for content in found(tenant, resource, code):
        active = {row["companyCode"] for row in content["companies"] if row.get("active", True)}
        if not company or company in active:
            return True
    return False


def order_of(tenant: Tenant, code: str) -> Json | None:
    """The order header the target system holds under an externalCode."""
    record = tenant.table("matchingOrders").get(code)
    return record.p2p if record else None
