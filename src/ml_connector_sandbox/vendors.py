"""The pretend vendors there are, loaded only when one is started."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from ml_connector_sandbox.core.wire import Vendor


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a vendor lives (`module:class`) and whether it plays whole business days in scaled time."""

    target: str
    scaled: bool = False


VENDORS = {
    "visma": Entry("ml_connector_sandbox.visma:Visma"),
    "square": Entry("ml_connector_sandbox.square:Square", scaled=True),
    "paypal": Entry("ml_connector_sandbox.paypal:PayPal", scaled=True),
    "stripe": Entry("ml_connector_sandbox.stripe:Stripe", scaled=True),
    "woocommerce": Entry("ml_connector_sandbox.woocommerce:WooCommerce", scaled=True),
    "basware": Entry("ml_connector_sandbox.basware:Basware", scaled=True),
}


def build(name: str, *, seed: int, time_scale: float = 1.0) -> Vendor:
    """A fresh vendor with nothing in it. Raises ValueError for an unknown name."""
    if name not in VENDORS:
        raise ValueError(f"No pretend vendor is called {name!r}. There are: {', '.join(VENDORS)}.")
    entry = VENDORS[name]
    module, _, attribute = entry.target.partition(":")
    make = getattr(import_module(module), attribute)
    return cast(Vendor, make(seed=seed, time_scale=time_scale) if entry.scaled else make(seed=seed))
