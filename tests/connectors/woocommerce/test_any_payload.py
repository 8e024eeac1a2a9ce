"""Whatever comes in: a document, or Untranslatable with a field. Never another exception."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.woocommerce import handover
from ml_connector.connectors.woocommerce.translate import KINDS, translate
from ml_connector.connectors.woocommerce.webhooks import SUBSCRIBED, WEBHOOKS
from ml_connector.finance.documents import Refund, Sale
from tests.connectors.fuzz import any_json, field_refused_by, paths, with_change
from tests.connectors.woocommerce import payloads as woo

JSON = any_json(["", "NOK", "0", "-1.00", "1E9", "NaN", "2026-01-01T00:00:00", "<b>", "&#0;"])
WRONG: list[Any] = [None, "", "x", -1, 0, 10**30, 1.5, [], [None], {}, {"0": {}}, True, "\ud800", "9" * 30]


def survives(kind: str, payload: Any) -> None:
    assert field_refused_by(lambda: translate(kind, payload)) != ""


def test_the_fuzz_starts_from_payloads_that_translate() -> None:
    for kind, payload in woo.ALL.items():
        translate(kind, payload)
    assert set(woo.ALL) == set(KINDS)


@settings(max_examples=150)
@given(kind=st.sampled_from(KINDS), where=st.integers(0, 10_000), value=JSON)
def test_one_field_replaced_by_anything_never_crashes_translate(kind: str, where: int, value: Any) -> None:
    payload = woo.ALL[kind]
    places = paths(payload)
    survives(kind, with_change(payload, places[where % len(places)], value))


@settings(max_examples=100)
@given(kind=st.sampled_from([*KINDS, "unknown", ""]), payload=JSON)
def test_any_json_at_all_never_crashes_translate(kind: str, payload: Any) -> None:
    survives(kind, payload)


def test_every_single_field_missing_or_of_a_wrong_type_never_crashes_translate() -> None:
    for kind, payload in woo.ALL.items():
        for path in paths(payload):
            for value in WRONG:
                survives(kind, with_change(payload, path, value))


AMOUNTS = st.decimals(-10_000, 10_000, places=6)


@settings(max_examples=100)
@given(
    nets=st.lists(AMOUNTS, min_size=1, max_size=6),
    taxes=st.lists(AMOUNTS, min_size=12, max_size=12),
    off=st.integers(-90, 90),
    currency=st.sampled_from(["NOK", "KWD", "JPY"]),
)
def test_lines_and_rounding_always_make_the_total(nets: Any, taxes: Any, off: int, currency: str) -> None:
    fees = [
        woo.fee(str(net), str(first + second), [{"id": 1, "total": str(first)}, {"id": 2, "total": str(second)}])
        for net, first, second in zip(nets, taxes[:6], taxes[6:], strict=False)
    ]
    everything = sum(nets) + sum(taxes[: len(nets)]) + sum(taxes[6 : 6 + len(nets)])
    total = everything + Decimal(off) / 100
    payload = woo.order(line_items=[], shipping_lines=[], fee_lines=fees, total=str(total), currency=currency)
    payload["total_tax"] = ""
    found = translate("order", payload)
    assert isinstance(found, Sale)
    assert sum(line.gross.minor for line in found.lines) + found.rounding.minor == found.total.minor


@settings(max_examples=100)
@given(nets=st.lists(st.decimals(0, 1000, places=4), min_size=1, max_size=5))
def test_what_came_back_and_rounding_make_the_amount(nets: Any) -> None:
    lines = [
        {
            **woo.refund_row()["line_items"][0],
            "total": str(-net),
            "total_tax": str(-net / 4),
            "taxes": [{"id": 1, "total": str(-net / 4)}],
        }
        for net in nets
    ]
    found = translate("refund", woo.refund(line_items=lines, amount=""))
    assert isinstance(found, Refund)
    assert found.returned is not None
    back = sum(line.gross.minor for line in found.returned.lines) + found.returned.rounding.minor
    assert back == found.amount.minor


@settings(max_examples=100)
@given(topic=st.sampled_from([*SUBSCRIBED, "action.wc_x", "product.updated", "x", ""]), event=JSON, rest=JSON)
def test_any_event_never_crashes_the_door(topic: str, event: Any, rest: Any) -> None:
    body = {"id": rest, "status": rest, "refunds": rest, "code": rest, "date_modified_gmt": rest}
    for one in (event, body):
        survives_reading(json.dumps(one, default=str).encode(), {"x-wc-webhook-topic": topic})


@settings(max_examples=100)
@given(body=st.binary(max_size=200), source=st.text(max_size=30))
def test_any_bytes_never_crash_the_door(body: bytes, source: str) -> None:
    survives_reading(body, {"x-wc-webhook-topic": "order.updated", "x-wc-webhook-source": source})


@settings(max_examples=100)
@given(body=st.binary(max_size=100) | JSON.map(lambda one: json.dumps(one, default=str).encode()))
def test_any_hand_over_is_refused_by_a_field(body: bytes) -> None:
    assert field_refused_by(lambda: handover.received(body, state="s" * 30))


def survives_reading(body: bytes, headers: dict[str, str]) -> None:
    def read() -> None:
        found = WEBHOOKS.read(body, headers)
        assert found
        assert all(one.ignored or (one.kind and one.external_id) for one in found)

    assert field_refused_by(read) != ""
