"""The pairs: one pure module for each pair of systems. Another pair costs its module and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.flows.flow import Flow
from ml_connector.flows.paypal_to_visma import FLOW as PAYPAL_TO_VISMA
from ml_connector.flows.square_to_visma import FLOW as SQUARE_TO_VISMA
from ml_connector.flows.woocommerce_to_visma import FLOW as WOOCOMMERCE_TO_VISMA

FLOWS: Mapping[str, Flow] = {flow.name: flow for flow in (PAYPAL_TO_VISMA, SQUARE_TO_VISMA, WOOCOMMERCE_TO_VISMA)}
