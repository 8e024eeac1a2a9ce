"""Signed deliveries of WooCommerce, Stripe, Basware and PayPal accepted durably, beside a bare server."""

from __future__ import annotations

from bench import senders, webhooks
from bench.figures import Figure

TITLE = (
    "Webhooks: WooCommerce (HMAC of a whole order), Stripe (HMAC of an event), Basware (HMAC of a name) and PayPal "
    "(RSA, chain proven), SQLite"
)
SIZE, QUICK = 3_000, 300
LONGEST_S = 240


def run(size: int = SIZE) -> list[Figure]:
    """`size` deliveries of each sender to each server."""
    figures = webhooks.on_sqlite("WooCommerce", senders.woocommerce(), size)
    figures += webhooks.on_sqlite("Stripe", senders.stripe(), size)
    figures += webhooks.on_sqlite("Basware", senders.basware(), size)
    with senders.paypal() as sender:
        return figures + webhooks.on_sqlite("PayPal", sender, size)
