"""WooCommerce to Visma: what each of its records becomes in the ledger. Pure.

The shop owns what was sold: invoices, credit notes and their customers. Money belongs to whom it is nearest: payment
methods of a connected processor are left to it (`gateways_elsewhere`), the others are booked from the shop into a
clearing account of their own. Several shops are several routes; an order's key begins with its shop's code.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document, Location, Party, Refund, Sale
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Related, Verdict
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows import woocommerce_needs as need
from ml_connector.flows.flow import Flow
from ml_connector.flows.verdicts import verdict
from ml_connector.flows.woocommerce_orders import plan_order
from ml_connector.flows.woocommerce_refunds import plan_refund_record
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import approved
from ml_connector.rules.shop_parties import plan_shop_party

KINDS = ("order", "refund", "customer", "shop")

ROLES = (
    "clearing", "sales", "shipping", "service_charge", "discount", "vat", "no_vat", "gift_cards", "rounding",
    "suspense",
)  # fmt: skip
"""The roles this flow asks rules for."""


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """Everything that should exist in the ledger for one record of the shop, or why nothing does."""
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, Sale):
        return plan_order(document, related, books)
    if isinstance(document, Refund):
        return plan_refund_record(document, related, books)
    if isinstance(document, Party):
        made = plan_shop_party(document, related, terms)
        return verdict(made) if isinstance(made, Plan) else made
    if isinstance(document, Location):
        return _shop(document, related, terms)
    return Ignore("WooCommerce tells of no such record")


def _shop(shop: Location, related: Related, terms: Terms) -> Verdict:
    """The shop itself is not booked; a clock that differs from the route's moves sales to another day."""
    if shop.time_zone == terms.time_zone or approved(related, "time-zone-differs"):
        return Ignore("the shop itself is not booked")
    return Hold((Finding(
        "time-zone-differs",
        f"Shop {shop.name} keeps time by {shop.time_zone}, and its route by {terms.time_zone}: orders around midnight "
        "are booked on another day than the shop shows. Set the route's time zone, or approve the difference.",
        "time_zone", {"decision": "approve", "terms": {"time_zone": shop.time_zone}},
    ),))  # fmt: skip


FLOW = Flow(
    name="woocommerce_to_visma", source="woocommerce", target="visma", kinds=KINDS, roles=ROLES,
    needs=need.needs, plan=plan, links=need.links, moves=("order", "refund"), watches=("article",),
)  # fmt: skip
