"""A pretend WooCommerce: shops that answer the REST API v3, hand over keys and ring webhooks, in memory."""

from ml_connector_sandbox.woocommerce.vendor import WooCommerce

__all__ = ["WooCommerce"]
