"""Renewing the master key: a new newest one, everything sealed again under it."""

from __future__ import annotations

from pathlib import Path

from ml_connector.errors import ConfigurationError
from ml_connector.vault.keys import add_key


def add(path: Path, *, in_variable: bool) -> str:
    """Put a new newest key into the key file; its id. Raises ConfigurationError where the keys stand in a variable."""
    if in_variable:
        raise ConfigurationError(
            "The master keys of this install stand in MLC_MASTER_KEY, which no command can change.",
            fix="Put a new version in front of it there, then run `ml-connector keys rotate`.",
        )
    return add_key(path).newest.id
