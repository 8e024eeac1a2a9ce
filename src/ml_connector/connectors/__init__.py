"""The systems: one folder for each vendor, all alike. Another system costs its folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.connectors.paypal.system import SYSTEM as PAYPAL
from ml_connector.connectors.shapes import System
from ml_connector.connectors.square.system import SYSTEM as SQUARE
from ml_connector.connectors.visma import SYSTEM as VISMA
from ml_connector.connectors.woocommerce.system import SYSTEM as WOOCOMMERCE

SYSTEMS: Mapping[str, System] = {
    "paypal": PAYPAL,
    "square": SQUARE,
    "visma": VISMA,
    "woocommerce": WOOCOMMERCE,
}
