"""Documents of PayPal's payloads, each as what it must be, and the field for which one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.paypal.translate import translate
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import (
    Capture,
    Dispute,
    Invoice,
    Movement,
    Refund,
)
from ml_connector.finance.money import Money
from tests.connectors.paypal import payloads as paypal


def nok(value: str) -> Money:
    return Money.of(value, "NOK")


def usd(value: str) -> Money:
    return Money.of(value, "USD")


def capture_of(**changed: Any) -> Capture:
    made = translate("capture", paypal.capture(**changed))
    assert isinstance(made, Capture)
    return made


def refund_of(payload: dict[str, Any]) -> Refund:
    made = translate("refund", payload)
    assert isinstance(made, Refund)
    return made


def invoice_of(payload: dict[str, Any]) -> Invoice:
    made = translate("invoice", payload)
    assert isinstance(made, Invoice)
    return made


def movement_of(payload: dict[str, Any]) -> Movement:
    made = translate("transaction", payload)
    assert isinstance(made, Movement)
    return made


def dispute_of(**changed: Any) -> Dispute:
    made = translate("dispute", paypal.dispute(**changed))
    assert isinstance(made, Dispute)
    return made


def refused(kind: str, payload: Any) -> str:
    with pytest.raises(Untranslatable) as caught:
        translate(kind, payload)
    return caught.value.field
