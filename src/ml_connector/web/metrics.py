"""The figures for Prometheus, read from our own rows and this process's counters when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ml_connector.engine.runtime import Runtime
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError
from ml_connector.store import connection_rows, inbox, leases, reviews, setups, trips
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.intake_keeper import Intake
from ml_connector.web.webhooks import Hooks

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the figures are about; parts that this process does not have are None."""

    works: Works
    hooks: Hooks | None = None
    writer: InboxWriter | None = None
    runtime: Runtime | None = None
    intake: Intake | None = None


class _Ours(Collector):
    """Adapts the functions below to the client library, which wants an object."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        yield from _doors(self._seen)
        yield from _machine(self._seen)
        available = GaugeMetricFamily("mlc_database_up", "Whether the database answered.")
        try:
            yield from _rows(self._seen.works)
            available.add_metric([], 1)
        except ConnectorError:
            available.add_metric([], 0)
        yield available


def text(seen: Seen) -> bytes:
    """All figures in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ours(seen))
    return generate_latest(registry)


def _doors(seen: Seen) -> Iterator[Metric]:
    if seen.hooks is not None:
        told = CounterMetricFamily("mlc_webhooks", "Deliveries by what became of them.", labels=["connector", "result"])
        counted = Counter(seen.hooks.doors.counted)
        counted.update(seen.intake.counted if seen.intake is not None else {})
        for (connector, what), count in sorted(counted.items()):
            told.add_metric([connector, what], count)
        unknown = seen.hooks.unknown + (seen.intake.unknown if seen.intake is not None else 0)
        told.add_metric(["", "unknown door"], unknown)
        yield told
    if seen.writer is not None:
        waiting = seen.writer.waiting() + (seen.intake.waiting if seen.intake is not None else 0)
        yield GaugeMetricFamily("mlc_inbox_queue", "Notices that wait for the disk.", value=waiting)
    if seen.intake is not None:
        yield CounterMetricFamily("mlc_intake_starts", "Starts of the process at the door.", value=seen.intake.starts)


def _machine(seen: Seen) -> Iterator[Metric]:
    calls = CounterMetricFamily("mlc_calls", "Calls to other systems since start, by operation.", labels=["operation"])
    for operation, count in sorted(seen.works.lines.calls().items()):
        calls.add_metric([operation], count)
    yield calls
    if seen.runtime is None:
        return
    counts = seen.runtime.counts
    ran = CounterMetricFamily("mlc_units", "Units run in this process.", labels=["kind", "result"])
    for (kind, how), count in sorted(dict(counts.ran).items()):
        ran.add_metric([kind, how], count)
    spent = CounterMetricFamily("mlc_unit_seconds", "Time spent in units.", labels=["kind"])
    for kind, seconds in sorted(dict(counts.seconds).items()):
        spent.add_metric([kind], seconds)
    yield ran
    yield spent
    yield GaugeMetricFamily("mlc_units_running", "Units running now in this process.", value=counts.running)
    yield GaugeMetricFamily("mlc_leading", "Whether this process queues what is due.", value=int(seen.runtime.leading))


def _rows(works: Works) -> Iterator[Metric]:
    now = works.now()
    with works.database.inbox_reading() as c:
        count, oldest = inbox.count_open(c, now=now)
    yield GaugeMetricFamily("mlc_notices_open", "Webhook notices whose thing is not read yet.", value=count)
    age_s = (now - oldest) / 1_000_000 if oldest else 0.0
    yield GaugeMetricFamily("mlc_notices_oldest_seconds", "Age of the oldest open notice.", value=age_s)
    states = GaugeMetricFamily("mlc_trips", "Records on a route, by state.", labels=["company", "state"])
    waiting = GaugeMetricFamily("mlc_review_items", "Open questions to a person.", labels=["workspace", "code"])
    connections = GaugeMetricFamily("mlc_connection_active", "1 active, 0 paused or off.", labels=["connector", "code"])
    alive = GaugeMetricFamily(
        "mlc_executor_silent_seconds", "Since a process last showed that it lives.", labels=["id"]
    )
    with works.database.reading() as c:
        for company in setups.companies(c):
            found: dict[str, int] = {}
            for (_, state), number in trips.counts(
                c, [one.id for one in setups.routes(c, company_id=company.id)]
            ).items():
                found[state] = found.get(state, 0) + number
            for state, number in sorted(found.items()):
                states.add_metric([company.id, state], number)
        rows = connection_rows.every(c)
        for workspace_id in sorted({one.workspace_id for one in rows}):
            for code, number in sorted(reviews.counts(c, workspace_id).items()):
                waiting.add_metric([workspace_id, code], number)
        for row in rows:
            connections.add_metric([row.connector, row.code], int(row.state == "active"))
        for name, _, beat in leases.executors(c):
            alive.add_metric([name], (now - beat) / 1_000_000)
    yield from (states, waiting, connections, alive)
