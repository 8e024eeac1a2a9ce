"""An account on the pretend Stripe for every test that takes one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.stripe.on_sandbox import Account, Served, serving


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One server for all tests of a process."""
    with serving() as found:
        yield found


@pytest.fixture
def account(served: Served) -> Iterator[Account]:
    """A fresh account; nothing is left of the test before."""
    found = served.account()
    yield found
    found.http.close()
