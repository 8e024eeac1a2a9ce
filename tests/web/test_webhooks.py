"""The webhook door over HTTP: what is acknowledged is stored, what is not stored is refused, nothing breaks it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest

from ml_connector.clock import HandClock
from ml_connector.connectors.square.system import SYSTEM
from ml_connector.engine import connecting, doorkeeping
from ml_connector.engine.works import Works
from ml_connector.store import webhook_doors
from ml_connector.store.database import Database
from tests.databases import Databases
from tests.web.shops import KEY, SIGNATURE, Shop, event, open_shop, signed


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    with open_shop(database_url, token="figures") as opened:
        yield opened


def test_a_signed_delivery_is_stored_before_it_is_acknowledged_and_then_rung(shop: Shop) -> None:
    assert shop.deliver(event()).status_code == 200
    assert shop.notices() == [("open", "payment", "PAY0001", shop.connection_id)]
    assert shop.rung == [{shop.connection_id}]


def test_the_same_event_again_is_acknowledged_and_kept_once(shop: Shop) -> None:
    body = event()
    assert [shop.deliver(body).status_code for _ in range(3)] == [200, 200, 200]
    assert len(shop.notices()) == 1
    assert len(shop.rung) == 1


def test_a_vector_of_squares_documentation_is_accepted(shop: Shop) -> None:
    url = "https://hooks.example.test/webhooks/square"
    body = (
        b'{"merchant_id":"MLTEST0000001","type":"payment.updated","event_id":"11111111-2222-3333-4444-555555555555",'
        b'"created_at":"2026-01-31T22:59:59Z","data":{"type":"payment","id":"PAY0001",'
        b'"object":{"payment":{"id":"PAY0001","status":"COMPLETED","version":2}}}}'
    )
    with shop.works.database.writing() as c:
        webhook_doors.change(c, shop.door_id, {"url": url})
    signature = "KkApBZ8hzUGSihLvYK9Z7Y18zjhMEkbTLdzbGPiOwSc="
    assert shop.deliver(body, signature=signature).status_code == 200
    assert shop.deliver(body + b" ", signature=signature).status_code == 401


@pytest.mark.parametrize(
    "signature", [None, "", "AAAA", "é", "x" * 2_000], ids=["none", "empty", "short", "odd", "long"]
)
def test_a_delivery_without_our_signature_is_refused_and_not_kept(shop: Shop, signature: str | None) -> None:
    answer = shop.client.post(
        shop.path, content=event(), headers={} if signature is None else {SIGNATURE.encode(): signature.encode()}
    )
    assert answer.status_code == 401
    assert shop.notices() == []
    assert "secret" not in answer.text
    assert KEY not in answer.text


def test_a_signature_for_another_address_or_with_another_key_is_refused(shop: Shop) -> None:
    body = event()
    assert shop.deliver(body, signature=signed(body, shop.url + "/")).status_code == 401
    assert shop.deliver(body, signature=signed(body, shop.url, key="another")).status_code == 401


def test_an_empty_body_is_refused_even_when_signed(shop: Shop) -> None:
    assert shop.deliver(b"").status_code == 401
    assert shop.notices() == []


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00", b"[" * 200_000, b"{}", b"nonsense", b'{"type": NaN}', b'{"type": 5}', b'"text"',
     b'{"type": "payment.updated", "event_id": "e", "data": {}}'],
    ids=["no utf-8", "deep", "empty object", "no json", "nan", "number", "text", "nothing named"],
)  # fmt: skip
def test_signed_bytes_that_are_no_event_are_refused_and_not_kept(shop: Shop, body: bytes) -> None:
    assert shop.deliver(body).status_code == 400
    assert shop.notices() == []


@pytest.mark.parametrize("told", [True, False], ids=["by its header", "in pieces"])
def test_a_body_over_the_limit_is_refused(shop: Shop, told: bool) -> None:
    body = b"x" * (SYSTEM.webhook_body_bytes + 1)
    pieces = (body[n : n + 65_536] for n in range(0, len(body), 65_536))
    answer = shop.client.post(shop.path, content=body if told else pieces, headers={SIGNATURE: "x"})
    assert answer.status_code == 413


def test_a_body_just_at_the_limit_is_read(shop: Shop) -> None:
    body = event()
    body += b" " * (SYSTEM.webhook_body_bytes - len(body))
    assert shop.deliver(body).status_code == 200


@pytest.mark.parametrize("path", ["/hooks/square/nobody", "/hooks/visma/{secret}", "/hooks/square/%00%ff"])
def test_a_door_that_does_not_exist_is_not_found(shop: Shop, path: str) -> None:
    secret = shop.path.rsplit("/", 1)[1]
    assert shop.deliver(event(), path=path.format(secret=secret)).status_code == 404
    assert shop.notices() == []


def test_only_post_is_answered(shop: Shop) -> None:
    assert shop.client.get(shop.path).status_code == 405


def test_an_event_of_no_use_is_kept_done_and_rings_nobody(shop: Shop) -> None:
    assert shop.deliver(event("catalog.version.updated")).status_code == 200
    assert shop.deliver(event("something.new")).status_code == 200
    assert [row[0] for row in shop.notices()] == ["done", "done"]
    assert shop.rung == []


def test_an_event_of_another_account_is_kept_for_nobody_yet(shop: Shop) -> None:
    assert shop.deliver(event(merchant="SOMEBODYELSE")).status_code == 200
    assert shop.notices() == [("open", "payment", "PAY0001", None)]
    assert shop.rung == []


def test_the_old_key_is_good_while_a_new_one_takes_over(shop: Shop) -> None:
    doorkeeping.set_door_key(shop.works, shop.door_id, "the-new-key", by="test")
    body = event()
    assert shop.deliver(body).status_code == 200
    assert shop.deliver(event(), signature=None).status_code == 401
    other = event()
    assert shop.deliver(other, signature=signed(other, shop.url, key="the-new-key")).status_code == 200


def test_text_that_no_database_keeps_is_refused_or_kept_but_breaks_nothing(shop: Shop) -> None:
    body = event("x.y\u0000z")
    assert shop.deliver(body).status_code in (200, 400)
    assert shop.deliver(event()).status_code == 200


def test_when_the_writer_has_ended_the_sender_is_told_to_come_again(database_url: str) -> None:
    with open_shop(database_url, writing=False) as shop:
        answer = shop.deliver(event())
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert shop.rung == []


def test_a_full_disk_is_told_and_what_was_acknowledged_is_there(sqlite_databases: Databases) -> None:
    url = sqlite_databases.new()

    def fill(database: Database) -> None:
        with database.inbox_writing() as c:
            pages = int(c.exec_driver_sql("PRAGMA page_count").scalar_one())
            c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")

    with open_shop(url, prepare=fill) as shop:
        codes = [shop.deliver(event(id=f"P{n}" + "x" * 150)).status_code for n in range(120)]
        kept = {row[2][: row[2].index("x")] for row in shop.notices()}
        assert set(codes) == {200, 503}
        assert kept == {f"P{n}" for n, code in enumerate(codes) if code == 200}
        assert shop.client.get("/health").status_code == 200


def test_no_answer_shows_the_path_the_key_or_a_trace(shop: Shop) -> None:
    answers = [shop.deliver(event(), signature="x"), shop.deliver(b"[", path=None), shop.client.get("/nowhere")]
    for answer in answers:
        assert "Traceback" not in answer.text
        assert shop.path not in answer.text
        assert KEY not in answer.text


def test_deliveries_are_counted_by_what_became_of_them(shop: Shop) -> None:
    body = event()
    for _ in range(2):
        shop.deliver(body)
    shop.deliver(body, signature="forged")
    shop.deliver(b"[]")
    shop.deliver(body, path="/hooks/square/unknown")
    figures = shop.client.get("/metrics", headers={"authorization": "Bearer figures"}).text
    for result in ("stored", "duplicate", "bad signature", "unreadable"):
        assert f'mlc_webhooks_total{{connector="square",result="{result}"}} 1.0' in figures
    assert 'mlc_webhooks_total{connector="",result="unknown door"} 1.0' in figures


def test_a_ping_tells_which_part_of_a_refused_delivery_was_wrong_until_one_is_taken(shop: Shop) -> None:
    def told() -> list[str]:
        return [one.said for one in doorkeeping.refusals(shop.works, shop.connection_id)]

    for _ in range(3):  # written once
        assert shop.deliver(event(), signature="forged").status_code == 401
    end = time.monotonic() + 10
    while not told() and time.monotonic() < end:
        time.sleep(0.01)
    assert told() == ["No signature key of this door made this signature."]
    silent = httpx2.MockTransport(lambda _request: httpx2.Response(401, json={}))
    answer = connecting.ping(replace(shop.works, transport=lambda _row: silent), shop.connection_id)
    (check,) = [one for one in answer.checks if one.name == "webhook deliveries"]
    assert (check.ok, told()[0] in check.sentence) == (False, True)
    assert shop.deliver(event()).status_code == 200
    assert told() == []


def test_what_is_put_off_is_no_trouble_unless_nothing_is_taken_for_a_while(shop: Shop) -> None:
    def told(works: Works) -> list[tuple[str, bool]]:
        answer = doorkeeping.refusals(works, shop.connection_id)
        return [(one.said, one.is_trouble(works.now())) for one in answer]

    clock = HandClock(datetime.now(UTC))
    works = replace(shop.works, clock=clock)
    doorkeeping.keep_refusal(works, shop.door_id, "The certificate is being fetched.", put_off=True)
    assert told(works) == [("The certificate is being fetched.", False)]
    clock.advance(601)
    doorkeeping.keep_refusal(works, shop.door_id, "The chain is not trusted.", put_off=True)
    assert told(works) == [("The chain is not trusted.", True)]
    doorkeeping.keep_refusal(works, "no such door", "Never mind.", put_off=False)
