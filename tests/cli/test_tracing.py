"""What `trace` prints: the records that belong together, and one timeline of them all."""

from __future__ import annotations

from ml_connector.cli.tracing import timeline
from ml_connector.engine.tracing import Moment, Story


def story(record: str, *moments: Moment) -> Story:
    return Story(
        connection=record, kind="order", external_id="1", record_id=record, versions=(), trips=(), writes=(),
        submissions=(), attempts=(), questions=(), notices=(), moments=moments,
    )  # fmt: skip


def test_several_records_are_told_on_one_timeline_in_the_order_of_time() -> None:
    shop = story("wc", Moment(1_000_000, "read", "the order"), Moment(4_000_000, "outcome", "its invoice"))
    wallet = story("pp", Moment(2_000_000, "read", "the payment"), Moment(4_000_000, "outcome", "its fee"))
    told = [(line.split()[0], line.rpartition("  ")[2]) for line in timeline([shop, wallet])]
    assert told == [("1)", "the order"), ("2)", "the payment"), ("1)", "its invoice"), ("2)", "its fee")]


def test_one_record_alone_needs_no_mark() -> None:
    (line,) = timeline([story("wc", Moment(1_000_000, "read", "the order"))])
    assert line.startswith("1970-01-01")
