"""The pretend Visma.net ERP: several companies, one ledger each, as strict as the vendor and unkinder where unsure."""

from ml_connector_sandbox.visma.vendor import Visma

__all__ = ["Visma"]
