"""The pairs: one pure module for each pair of systems. Another pair costs its module and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.flows.basware_to_visma import FLOW as BASWARE_TO_VISMA
from ml_connector.flows.flow import Flow
from ml_connector.flows.paypal_to_visma import FLOW as PAYPAL_TO_VISMA
from ml_connector.flows.square_to_visma import FLOW as SQUARE_TO_VISMA
from ml_connector.flows.stripe_to_visma import FLOW as STRIPE_TO_VISMA
from ml_connector.flows.visma_to_basware import FLOW as VISMA_TO_BASWARE
from ml_connector.flows.visma_to_paypal import FLOW as VISMA_TO_PAYPAL
from ml_connector.flows.visma_to_stripe import FLOW as VISMA_TO_STRIPE
from ml_connector.flows.woocommerce_to_visma import FLOW as WOOCOMMERCE_TO_VISMA

FLOWS: Mapping[str, Flow] = {
    flow.name: flow
    for flow in (
        BASWARE_TO_VISMA,
        PAYPAL_TO_VISMA,
        SQUARE_TO_VISMA,
        STRIPE_TO_VISMA,
        VISMA_TO_BASWARE,
        VISMA_TO_PAYPAL,
        VISMA_TO_STRIPE,
        WOOCOMMERCE_TO_VISMA,
    )
}
