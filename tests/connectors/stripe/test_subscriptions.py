"""The webhook endpoint: made once, watched, made anew where it is not as it should be; its secret is never lost."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.stripe import VERSION
from ml_connector.connectors.stripe.webhooks import SUBSCRIBED
from ml_connector.errors import NotAuthorized, Rejected, UnknownOutcome
from tests.connectors.stripe.on_sandbox import URL, Account

MAKE = "POST /v1/webhook_endpoints"


def endpoints(account: Account, url: str = URL) -> list[dict[str, Any]]:
    return [row for row in account.stored("webhook_endpoint") if row["url"] == url]


def by_hand(account: Account, **given: Any) -> str:
    """An endpoint that a person made."""
    form = {"url": URL, "enabled_events": list(SUBSCRIBED), "api_version": VERSION} | given
    made: str = account.writer.client.post("/v1/webhook_endpoints", form, key=ascii(given))["id"]
    return made


def works(account: Account, secret: str) -> None:
    """A delivery that comes now is signed with this secret."""
    from ml_connector.connectors.stripe.webhooks import WEBHOOKS

    account.deliveries()
    account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    due = account.deliveries()
    assert due
    for one in due:
        WEBHOOKS.verify(one.body, dict(one.headers), url=URL, keys=[secret], now=account.clock.now())


def test_an_endpoint_is_made_with_our_version_events_and_address_and_tells_its_secret(account: Account) -> None:
    told = account.watch()
    assert told is not None
    (row,) = endpoints(account)
    assert (row["api_version"], set(row["enabled_events"]), row["status"]) == (VERSION, set(SUBSCRIBED), "enabled")
    works(account, told.signature_key)


def test_a_good_endpoint_is_left_alone_and_its_secret_told_again_within_a_day(account: Account) -> None:
    first = account.watch()
    account.wait(hours=1)
    again = account.watch()
    assert first is not None
    assert again is not None
    assert (again.signature_key, again.changes) == (first.signature_key, ())
    account.wait(hours=30)
    assert account.watch() is None
    assert len(endpoints(account)) == 1


def test_a_secret_whose_answer_was_lost_is_told_by_the_next_watch(account: Account) -> None:
    account.fault({"kind": "cut_after"}, operation=MAKE)
    with pytest.raises(UnknownOutcome):
        account.watch()
    account.wait(minutes=30)
    told = account.watch()
    assert told is not None
    assert len(endpoints(account)) == 1
    works(account, told.signature_key)


def test_an_endpoint_that_was_never_made_is_made_by_the_next_watch(account: Account) -> None:
    account.do("fail_next", status=500, operation=MAKE, rolled_back=True)
    with pytest.raises(UnknownOutcome):
        account.watch()
    account.wait(minutes=30)
    told = account.watch()
    assert told is not None
    works(account, told.signature_key)


def test_an_endpoint_that_a_person_deleted_is_made_anew_the_same_day(account: Account) -> None:
    """Under the same idempotency key Stripe would tell of the deleted one for a day."""
    account.watch()
    (row,) = endpoints(account)
    account.writer.client.delete(f"/v1/webhook_endpoints/{row['id']}", operation="DELETE")
    account.wait(minutes=30)
    told = account.watch()
    assert told is not None
    assert [one["id"] != row["id"] for one in endpoints(account)] == [True]
    works(account, told.signature_key)


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        ({"enabled_events": ["invoice.paid"]}, "lacked event types"),
        ({"api_version": None}, "sent version (the account default)"),
    ],
)
def test_an_endpoint_of_another_version_or_with_less_events_is_made_anew(
    account: Account, broken: dict[str, Any], word: str
) -> None:
    old = by_hand(account, **broken)
    told = account.watch()
    assert told is not None
    assert f"made anew: it {word}" in told.changes
    assert old not in {row["id"] for row in endpoints(account)}
    works(account, told.signature_key)


def test_a_disabled_endpoint_is_made_anew(account: Account) -> None:
    account.watch()
    (row,) = endpoints(account)
    account.writer.client.post(f"/v1/webhook_endpoints/{row['id']}", {"disabled": True}, key="person")
    account.wait(minutes=1)
    told = account.watch()
    assert told is not None
    assert "made anew: it was disabled" in told.changes
    works(account, told.signature_key)


def test_a_second_endpoint_of_the_same_address_is_deleted(account: Account) -> None:
    first = account.watch()
    assert first is not None
    account.wait(hours=30)
    by_hand(account)
    account.watch()
    assert len(endpoints(account)) == 1
    works(account, first.signature_key)  # the one whose secret we hold stays


def test_of_two_old_ones_of_ours_nobody_knows_whose_secret_we_hold_so_both_go(account: Account) -> None:
    for n in range(2):
        by_hand(account, metadata={"ml_connector_seed": f"s{n}"})
    account.wait(hours=30)
    told = account.watch()
    assert told is not None
    assert len(endpoints(account)) == 1
    works(account, told.signature_key)


def test_an_endpoint_made_by_hand_is_left_to_the_hand_that_made_it(account: Account) -> None:
    made = by_hand(account)
    assert account.watch() is None
    assert [row["id"] for row in endpoints(account)] == [made]


def test_endpoints_of_others_are_left_alone(account: Account) -> None:
    other = by_hand(account, url="https://other.example/hook")
    account.watch()
    assert other in {row["id"] for row in account.stored("webhook_endpoint")}


def test_sixteen_endpoints_leave_no_room_and_a_person_is_told(account: Account) -> None:
    for n in range(16):
        by_hand(account, url=f"https://other.example/{n}")
    with pytest.raises(Rejected, match="16 webhook endpoints"):
        account.watch()


def test_without_the_permission_it_is_named(account: Account) -> None:
    account.restricted(invoice="write")
    with pytest.raises(NotAuthorized, match="rak_webhook_read"):
        account.watch()
