"""The pretend Visma.net ERP: several companies, one ledger each, as strict as the fact sheet and unkinder where it is unsure."""

from ml_connector_sandbox.visma.vendor import Visma

__all__ = ["Visma"]
