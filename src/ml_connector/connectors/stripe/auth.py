"""The key of one account: which mode it serves, for whom it acts. A key does not expire: no token is obtained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.stripe import VERSION
from ml_connector.errors import ConfigurationError

_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{1,250}")
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{1,100}")


class Access:
    """A key that no print, log or traceback shows. Build it with `access_of`."""

    __slots__ = ("_key", "account", "live")

    def __init__(self, key: str, *, account: str) -> None:
        self._key = key
        self.account = account
        self.live = "_live_" in key[:9]

    @property
    def mode(self) -> str:
        """Live or sandbox: they share the host, the key alone tells."""
        return "live" if self.live else "sandbox"

    def headers(self) -> dict[str, str]:
        """What every call carries: who, and in which version of the interface. The account's default is never used."""
        said = {"Authorization": f"Bearer {self._key}", "Stripe-Version": VERSION, "Accept": "application/json"}
        return said | ({"Stripe-Account": self.account} if self.account else {})

    def __repr__(self) -> str:
        return f"Access(***, {self.mode})"


def access_of(credentials: Mapping[str, Any]) -> Access:
    """The access that a person entered. Raises ConfigurationError naming what is wrong, never the key."""
    key = str(credentials.get("api_key") or "").strip()
    account = str(credentials.get("account_id") or "").strip()
    if not key:
        raise ConfigurationError("The Stripe connection lacks api_key.", record="stripe")
    if not _KEY.fullmatch(key):
        raise ConfigurationError(
            "The Stripe key is none that serves here.",
            record="stripe",
            fix="Enter a restricted key (rk_live_... or rk_test_...); publishable keys (pk_...) cannot read or write.",
        )
    if account and not _ACCOUNT.fullmatch(account):
        raise ConfigurationError("The connected account must be an id such as acct_123.", record="stripe")
    return Access(key, account=account)
