"""The systems: one folder for each vendor, all alike. Another system costs its folder and two lines here.

Importing this loads no vendor: the process that only takes webhooks in loads those it has doors for, and of them the
verifying half.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from ml_connector.connectors.shapes import System, Webhooks

if TYPE_CHECKING:
    SYSTEMS: Mapping[str, System]

__all__ = ["SYSTEMS", "webhooks_of"]


@cache
def _systems() -> Mapping[str, System]:
    from ml_connector.connectors.basware.system import SYSTEM as BASWARE
    from ml_connector.connectors.paypal.system import SYSTEM as PAYPAL
    from ml_connector.connectors.square.system import SYSTEM as SQUARE
    from ml_connector.connectors.stripe.system import SYSTEM as STRIPE
    from ml_connector.connectors.visma import SYSTEM as VISMA
    from ml_connector.connectors.woocommerce.system import SYSTEM as WOOCOMMERCE

    return {
        "basware": BASWARE,
        "paypal": PAYPAL,
        "square": SQUARE,
        "stripe": STRIPE,
        "visma": VISMA,
        "woocommerce": WOOCOMMERCE,
    }


def webhooks_of(connector: str) -> Webhooks:
    """The verifying half of one system's webhook door. Raises ImportError for a system that has none."""
    return cast(Webhooks, import_module(f"ml_connector.connectors.{connector}.webhooks").WEBHOOKS)


def __getattr__(name: str) -> Any:
    if name == "SYSTEMS":
        return _systems()
    raise AttributeError(name)
