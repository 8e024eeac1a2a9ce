"""What each system can do, as a table: made from the connectors' own data, so that it cannot promise more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ml_connector.connectors import SYSTEMS
from ml_connector.connectors.shapes import System
from ml_connector.flows import FLOWS


def reference(systems: Mapping[str, System] = SYSTEMS) -> str:
    """The capability tables of docs/connectors.md."""
    return "\n".join([*_table(systems), *(line for system in systems.values() for line in _fields(system))])


def _table(systems: Mapping[str, System]) -> Iterator[str]:
    yield "| System | Read | Written | Webhooks | By consent | Flows |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, system in systems.items():
        one = system.connector
        flows = [flow.name for flow in FLOWS.values() if name in (flow.source, flow.target)]
        hooks = "yes" if one.webhooks else "no"
        if system.watch is not None:
            hooks = "yes, registered and repaired by us"
        consent = "yes" if system.authorize_url is not None else "no"
        yield f"| {one.title} | {_listed(one.reads)} | {_listed(one.writes)} | {hooks} | {consent} | {_listed(flows)} |"


def _fields(system: System) -> Iterator[str]:
    one = system.connector
    yield ""
    yield f"## {one.title}"
    yield ""
    yield f"Called at {', '.join(f'`{host}`' for host in one.hosts)}, over https alone."
    yield ""
    yield "| Credential | Secret | Needed | What it is |"
    yield "| --- | --- | --- | --- |"
    for field in one.credential_fields:
        told = " ".join(part for part in (f"{field.title}.", field.note) if part)
        yield f"| `{field.name}` | {_yes(field.secret)} | {_yes(field.required)} | {told} |"
    yield ""
    yield "| Stream | Polled every | Brings |"
    yield "| --- | --- | --- |"
    for stream in one.streams:
        yield f"| `{stream.name}` | {_span(stream.every_s)} | {_listed(stream.kinds)} |"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names) or "nothing"


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"
