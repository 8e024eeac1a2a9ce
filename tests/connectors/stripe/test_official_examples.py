"""Every official sample object, as each kind we read: a document, or Untranslatable naming the field; never a crash."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from ml_connector.connectors.stripe.translate import KINDS, translate
from ml_connector.connectors.stripe.webhooks import delivered
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Capture, Dispute, Invoice, Movement, Payout, Refund
from tests.connectors.fuzz import field_refused_by, paths, with_change
from tests.connectors.stripe import payloads as stripe
from tests.connectors.stripe.test_any_payload import WRONG, survives

SAMPLES = Path(__file__).parents[4] / "shared" / "specs" / "stripe" / "fixtures3_2026-08-26.dahlia.json"

pytestmark = pytest.mark.skipif(
    not SAMPLES.exists(), reason=f"Stripe's own samples are not at {SAMPLES}: what they say is NOT checked"
)


@cache
def samples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SAMPLES.read_text(), parse_float=Decimal)["resources"]
    return found


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("charge", Capture), ("refund", Refund), ("dispute", Dispute), ("payout", Payout), ("invoice", Invoice),
        ("balance_transaction", Movement),
    ],
)  # fmt: skip
def test_the_official_sample_of_a_kind_is_that_document(kind: str, document: type[Any]) -> None:
    made = translate(kind, samples()[kind])
    assert isinstance(made, document)
    assert getattr(made, "id") == samples()[kind]["id"]  # noqa: B009 - documents share no base


def test_the_sample_row_of_an_invoice_is_held_by_its_placeholder_of_a_currency_alone() -> None:
    sample = samples()["invoice_payment"]
    with pytest.raises(Untranslatable) as caught:
        translate("invoice_payment", sample)
    assert caught.value.field == "currency"
    assert getattr(translate("invoice_payment", sample | {"currency": "nok"}), "state") == "open"  # noqa: B009


def test_no_sample_of_another_object_is_taken_for_one_of_ours() -> None:
    """A payment intent, a transfer or a credit note looks much like a charge."""
    taken = [
        (name, kind)
        for name, sample in samples().items()
        for kind in KINDS
        if field_refused_by(partial(translate, kind, sample)) is None
    ]
    assert {name for name, kind in taken if name != kind} == set()
    assert len(taken) == 6


def test_every_field_of_every_official_sample_of_ours_may_be_anything() -> None:
    for kind in KINDS:
        sample = samples()[kind]
        for path in paths(sample):
            if len(path) < 4:
                for value in WRONG:
                    survives(kind, with_change(sample, path, value))


def test_the_official_event_is_read_or_ignored_with_a_reason() -> None:
    found = delivered(samples()["event"])
    assert found.ignored
    event = samples()["event"] | {"type": "charge.succeeded", "data": {"object": samples()["charge"]}}
    assert delivered(event).external_id == samples()["charge"]["id"]


def test_our_samples_have_no_field_that_the_official_ones_lack() -> None:
    more = {
        "charge": {"invoice_payments"},
        "payout": {"balance_transactions"},
        "invoice": {"amount_overpaid", "amount_paid_off_stripe", "total_taxes"},
        "refund": {"failure_balance_transaction"},
        "dispute": {"network_reason_code"},
    }
    for kind, payload in stripe.ALL.items():
        assert payload.keys() - samples()[kind].keys() <= more.get(kind, set()), kind
