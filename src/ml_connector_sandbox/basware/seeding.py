"""Tenants, clients and users, and records that are there from the start."""

from __future__ import annotations

from ml_connector_sandbox.basware import checks
from ml_connector_sandbox.basware.fields import faults, tidy
from ml_connector_sandbox.basware.lookups import enrol
from ml_connector_sandbox.basware.oauth import LIVES
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.resources import BY_NAME
from ml_connector_sandbox.basware.state import ALL_SCOPES, Client, Company, Item, Record, Tenant, World

_CURRENCIES = ("SEK", "NOK", "DKK", "EUR", "USD", "GBP")
_SCHEMES = ("VAT", "PartyId", "ORGNR")
_COMPANY = {"code": "SE01", "name": "Example AB", "currency": "SEK"}


def seed_tenant(world: World, arguments: Json, now: int) -> Json:
    """A tenant with its organization, an OAuth client, a Basic user and a network user."""
    key = str(arguments.get("tenant_id") or f"{world.mint.below(900_000) + 100_000}-TEST1")
    schemes = arguments.get("identifier_schemes", _SCHEMES)
    tenant = Tenant(
        key, str(arguments.get("name", "Example Group")), {}, set(arguments.get("currencies", _CURRENCIES)),
        None if schemes is None else set(schemes),
        {"expense": "4000", "unknown_cost_center": "NOWHERE"} | dict(arguments.get("accounts", {})),
    )  # fmt: skip
    for row in arguments.get("companies", [_COMPANY]):
        company = _company(row)
        tenant.companies[company.code] = company
    world.tenants[key] = tenant
    grant = {name: arguments[name] for name in ("client_id", "client_secret", "scopes", "life_s") if name in arguments}
    return {
        "tenant_id": key, "companies": [_shown(company) for company in tenant.companies.values()],
        "currencies": sorted(tenant.currencies), **client(world, grant | {"tenant_id": key}, now),
        "basic_user": user(world, dict(arguments.get("basic_user", {})) | {"tenant_id": key}, now),
        "network_user": user(world, dict(arguments.get("network_user", {})) | {"tenant_id": key, "network": True}, now),
    }  # fmt: skip


def client(world: World, arguments: Json, now: int) -> Json:
    """An OAuth client: a new one, or other rights, another secret or life for a known one."""
    del now
    tenant = world.tenant(arguments.get("tenant_id"))
    known = world.clients.get(str(arguments.get("client_id", "")))
    life = int(arguments.get("life_s", known.life_s if known else 3600))
    if not LIVES[0] <= life <= LIVES[1]:
        raise ValueError(f"life_s is from {LIVES[0]} to {LIVES[1]} seconds.")
    made = Client(
        str(arguments.get("client_id") or world.mint.secret(26).lower()),
        str(arguments.get("client_secret") or (known.secret if known else world.mint.secret(40))),
        tenant.id, _scopes(arguments, known), life,
    )  # fmt: skip
    world.clients[made.id] = made
    return {
        "tenant_id": tenant.id, "client_id": made.id, "client_secret": made.secret, "scopes": list(made.scopes),
        "life_s": made.life_s,
    }  # fmt: skip


def user(world: World, arguments: Json, now: int) -> Json:
    """A user of Basic authentication, or with `network` one of the Network API."""
    del now
    tenant = world.tenant(arguments.get("tenant_id"))
    people = world.network_users if arguments.get("network") else world.users
    kind = "network" if arguments.get("network") else "basic"
    name = str(arguments.get("user") or f"{kind}-{tenant.id}")
    password = str(arguments.get("password") or world.mint.secret(24))
    people[name] = Client(name, password, tenant.id, _scopes(arguments, people.get(name)))
    return {"user": name, "password": password}


def seed_records(world: World, arguments: Json, now: int) -> Json:
    """Records that interface and target system both hold. The same checks as by the interface; the first fault ends it.

    A generic list is named `lists/ACC_LIST_1`.
    """
    tenant, key = world.tenant(arguments.get("tenant_id")), str(arguments["resource"])
    if key.partition("/")[0] not in BY_NAME:
        raise ValueError(f"No resource {key}: use one of {', '.join(BY_NAME)}, lists as lists/ACC_LIST_1.")
    resource = BY_NAME[key.partition("/")[0]]
    for given in arguments["records"]:
        found = faults(given, resource.shape)
        if found:
            raise ValueError(f"{given.get('externalCode')}: {'; '.join(found)}")
        content = tidy(given, resource.shape)
        item = Item(content["externalCode"], 1, content, status="Success")
        checks.check(world, tenant, key, item, None)
        if item.status == "Error":
            raise ValueError(f"{item.external_code}: {item.errors[0]['message']}")
        record = Record(item.external_code, content, now, 1, {1: now}, done=1, p2p=content)
        tenant.table(key)[record.external_code] = record
        enrol(tenant, key, content)
    return {"seeded": len(arguments["records"])}


def _company(row: Json) -> Company:
    code = str(row["code"])
    return Company(
        code, str(row.get("name", f"Company {code}")), str(row.get("currency", "SEK")),
        tuple(row.get("elements", [code])), str(row.get("endpoint", f"0007:{code}")),
        str(row.get("email", f"{code.lower()}@invoices.example.test")),
    )  # fmt: skip


def _shown(company: Company) -> Json:
    return {
        "code": company.code, "name": company.name, "currency": company.currency, "elements": list(company.elements),
        "endpoint": company.endpoint, "email": company.email,
    }  # fmt: skip


def _scopes(arguments: Json, known: Client | None) -> tuple[str, ...]:
    asked = tuple(arguments.get("scopes") or (known.scopes if known else ALL_SCOPES))
    unknown = set(asked) - set(ALL_SCOPES)
    if unknown:
        raise ValueError(f"No scope {min(unknown)}.")
    return asked
