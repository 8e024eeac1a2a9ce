"""Every trap that is known of a vendor has a test, and the test exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.traps import PAYPAL, WOOCOMMERCE
from tests.traps_basware import BASWARE

TESTS = Path(__file__).parents[1]
NAMED = re.compile(r"^def (test_\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def there() -> set[str]:
    return {name for file in TESTS.rglob("test_*.py") for name in NAMED.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("vendor", [WOOCOMMERCE, PAYPAL, BASWARE], ids=["WooCommerce", "PayPal", "Basware"])
def test_every_known_trap_has_its_test(vendor: dict[str, str], there: set[str]) -> None:
    assert {trap: test for trap, test in vendor.items() if test not in there} == {}
