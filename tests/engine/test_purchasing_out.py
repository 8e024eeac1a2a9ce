"""Out of the ledger into Basware: in its order, each record gated by its own needs alone, followed to the very end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, reviewing, ruling, setup, tracing, waiting
from ml_connector.finance.rulebook import Terms
from ml_connector_sandbox.core.wire import Request
from tests.engine.proofs import query
from tests.engine.purchase_world import COMPANY, SUPPLIERS, PurchaseWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PurchaseWorld]:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books()
    yield world
    world.close()


def line_of(world: PurchaseWorld, number: str = "1") -> dict[str, Any]:
    (row,) = [one for one in world.there("matchingOrderLines") if one["lineNumber"] == number]
    return row


def replay(world: PurchaseWorld, kind: str, external_id: str) -> None:
    trip_ids = query(
        world,
        "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.kind = :kind AND r.external_id = :id",
        kind=kind,
        id=external_id,
    )
    replaying.replay_trips(world.works, world.workspace, [row[0] for row in trip_ids], by="Ann")


def code_of(world: PurchaseWorld, key: str) -> str:
    """The external code of what a live write books."""
    ((content,),) = query(
        world, "SELECT content FROM planned_write WHERE key = :key ORDER BY revision DESC LIMIT 1", key=key
    )
    return str(json.loads(content)["content"]["external_code"])


def as_somebody_else(world: PurchaseWorld, path: str, rows: list[dict[str, Any]]) -> None:
    """Another program of the same tenant posts records."""
    user = world.tenant["basic_user"]
    secret = base64.b64encode(f"{user['user']}:{user['password']}".encode()).decode()
    headers = {"authorization": f"Basic {secret}", "content-type": "application/json"}
    answer = world.basware.answer(Request("POST", path, "", headers, json.dumps(rows).encode()), world.clock.now())
    assert answer.status == 200, answer.body


def test_rows_that_wait_to_share_a_call_are_told_and_go_when_a_person_says_so(world: PurchaseWorld) -> None:
    world.read()
    waits = waiting.of_company(world.works, world.company_id)
    shares = [one for one in waits if one.until is not None]
    assert {(one.code, one.kind, one.is_call) for one in shares} == {("bw", "reference_row", True)}
    assert all(one.until is not None and one.until > world.works.now() for one in shares)
    assert [one.kind for one in waits if one.until is None] == ["supplier_card"], "they need their terms first"
    assert world.at_basware("truth")["requests"] == []
    waiting.send_now(world.works, world.company_id, by="Ann")
    world.run()
    assert [one.until for one in waiting.of_company(world.works, world.company_id)] == [None]
    assert len(world.at_basware("truth")["requests"]) == len(shares)


def test_reference_data_then_terms_then_suppliers_then_orders_then_lines_with_receipts(world: PurchaseWorld) -> None:
    order = world.order(10, 4)
    world.receive(order, {"1": 6})
    world.settle()
    requests = world.at_basware("truth")["requests"]
    began = {one["resource"]: one["received"] for one in reversed(requests)}
    order_of = ("paymentTerms", "vendors", "matchingOrders", "matchingOrderLines")
    assert [began[name] for name in order_of] == sorted(began[name] for name in order_of)
    assert world.codes("vendors", "vendorCode") == {"50000", "50012", "50013"}
    assert world.codes("costCenters", "costCenterCode") == {"00", "10", "20", "30"}
    assert {row["text_1"] for row in world.there("lists/ACC_LIST_1")} == {"000", "100", "200"}
    assert {(row["taxCode"], str(row["taxPercentage"])) for row in world.there("taxCodes")} >= {("25", "25")}
    (head,) = world.there("matchingOrders")
    assert (head["orderNumber"], head["supplierCode"], head["companyCode"]) == (order, "50012", COMPANY)
    line = line_of(world)
    (coding,) = line["orderLineCoding"]
    assert (coding["accountCode"], coding["costCenterCode"], coding["dimCode1"]) == ("4000", "10", "100")
    (receipt,) = line["goodsReceipts"]
    assert (receipt["quantity"], line["isReceiptRequired"], line["isReceiptBasedMatching"]) == (6, True, True)
    assert set(world.items()) == {"tax-rate-unknown"}
    assert world.at_basware("truth")["item_states"].keys() == {"Success"}


def test_an_order_that_is_dated_ahead_does_not_wait_for_its_day(world: PurchaseWorld) -> None:
    order = world.order(10, day=(world.clock.now() + timedelta(days=20)).date().isoformat())
    world.settle()
    assert world.trips("purchaseorder")[order][0] == "posted"


def test_a_first_look_at_what_was_sent_waits_until_it_can_tell_something(world: PurchaseWorld) -> None:
    world.settle()
    calls = world.works.lines.calls()
    posted = sum(count for name, count in calls.items() if name.startswith("POST /v1/"))
    looked = sum(count for name, count in calls.items() if name.startswith("GET /v1/requestStatus"))
    assert looked <= posted


def test_a_supplier_that_basware_refuses_is_held_in_its_words_and_blocks_only_its_own_orders(
    world: PurchaseWorld,
) -> None:
    world.settle(300)
    code = code_of(world, "bw:supplier:50013")
    world.ledger("set_supplier", number="50013", name="Sydvind Möbler AB")
    world.at_basware("reject_next", external_code=code, message="Supplier group missing")
    blocked, free = world.order(3, supplier="50013"), world.order(5)
    world.settle(2_000)
    assert world.trips("supplier")["50013"] == ("held", "refused")
    assert "Supplier group missing" in world.items()["refused"]
    assert world.trips("purchaseorder")[free][0] == "posted"
    state, reason = world.trips("purchaseorder")[blocked]
    assert state in ("waiting", "planned")
    assert "bw:supplier:50013" in (reason or "")
    assert world.codes("matchingOrders", "orderNumber") == {free}
    replay(world, "supplier", "50013")
    world.settle(2_000)
    assert world.trips("supplier")["50013"][0] == "posted"
    assert world.codes("matchingOrders", "orderNumber") == {free, blocked}


def test_what_is_sent_again_after_an_error_differs_so_that_basware_passes_it_on(world: PurchaseWorld) -> None:
    code = code_after_planning(world)
    world.at_basware("reject_next", external_code=code, message="Try again")
    world.settle(600)
    assert world.trips("supplier")["50013"] == ("held", "refused")
    replay(world, "supplier", "50013")
    world.settle(600)
    assert world.trips("supplier")["50013"][0] == "posted"
    (card,) = [row for row in world.there("vendors") if row["vendorCode"] == "50013"]
    assert card["description"] == "#2"


def code_after_planning(world: PurchaseWorld) -> str:
    """The code of supplier 50013's card, before it has gone out."""
    from ml_connector.finance.procurement import external_code

    return external_code(world.terms.purchase.namespace, "supplier", COMPANY, "50013")


def test_a_warning_is_taken_and_kept(world: PurchaseWorld) -> None:
    world.at_basware("reject_next", external_code=code_after_planning(world), message="Phone not saved", warn=True)
    world.settle(600)
    assert world.trips("supplier")["50013"][0] == "posted"
    seen = query(world, "SELECT observed FROM submission WHERE kind = 'supplier_card' AND state = 'done'")
    assert any("Phone not saved" in row[0] for row in seen)
    stories = tracing.trace(world.works, world.workspace, "bw:supplier:50013")
    told = [moment.told for story in stories for moment in story.moments]
    assert any(one.startswith("noted: Phone not saved (event") for one in told)


def test_an_answer_that_was_lost_and_a_result_that_shows_up_late_make_one_record(world: PurchaseWorld) -> None:
    world.fail_basware("POST /v1/vendors", "cut_after")
    world.during = lambda call: (
        world.at_basware("knobs", status_lag_s=1_500.0, delay_low_s=2_000.0, delay_high_s=2_000.0)
        if call == "POST /v1/vendors"
        else None
    )
    world.settle(600)
    world.settle(6_000, step=120)
    states = {key: state for key, (state, _) in world.trips("supplier").items()}
    assert states == {"50000": "posted", "50012": "posted", "50013": "posted"}
    assert len(world.there("vendors")) == 3
    items = world.at_basware("truth")["item_states"]
    assert items["NotProcessed"] == 3  # the very same content, sent once more: it had been taken the first time


@pytest.mark.parametrize(("ours", "theirs"), [(50, 100), (100, 20)], ids=["ours first", "theirs first"])
def test_a_newer_version_that_somebody_else_sent_at_the_same_moment_decides(
    world: PurchaseWorld, ours: float, theirs: float
) -> None:
    code = code_after_planning(world)

    def meanwhile(call: str) -> None:
        if call == "POST /v1/vendors":
            world.during = after

    def after(call: str) -> None:
        world.during = None
        row = {
            "externalCode": code, "vendorCode": "50013", "name": "Sydvind", "companies": [{"companyCode": COMPANY}],
        }  # fmt: skip
        as_somebody_else(world, "/v1/vendors", [row])

    world.at_basware("knobs", expiry_s=3_600.0)
    world.at_basware("slow_next", entity_type="Vendor", seconds=ours)
    world.at_basware("slow_next", entity_type="Vendor", seconds=theirs)
    world.during = meanwhile
    world.settle(1_500)
    assert world.at_basware("truth")["item_states"]["RecordExpired"] == 1
    assert world.trips("supplier")["50013"][0] == "posted"
    assert "refused" not in world.items()
    noted = query(world, "SELECT facts FROM audit_event WHERE facts LIKE '%taken in its place%'")
    assert len(noted) == 1


def test_what_another_program_filled_in_before_us_keeps_its_key_and_stands_once(world: PurchaseWorld) -> None:
    """A tenant is rarely empty: a second vendor with the same number would be refused, or stand beside the first."""
    theirs = {"companyCode": COMPANY, "inherit": True, "active": True}
    names = [{"language": "en-US", "translation": "Cost"}]
    as_somebody_else(world, "/v1/vendors", [{
        "externalCode": "old-50013", "vendorCode": "50013", "name": "Sydvind", "companies": [{"companyCode": COMPANY}],
    }])  # fmt: skip
    as_somebody_else(world, "/v1/accounts", [{
        "externalCode": "old-4000", "accountCode": "4000", "accountNames": names, "companies": [theirs],
    }])  # fmt: skip
    world.settle(900)
    (vendor,) = [one for one in world.there("vendors") if one["vendorCode"] == "50013"]
    (account,) = [one for one in world.there("accounts") if one["accountCode"] == "4000"]
    assert (vendor["externalCode"], vendor["name"]) == ("old-50013", "Sydvind Stolar AB")
    assert account["externalCode"] == "old-4000"
    assert world.trips("supplier")["50013"][0] == "posted"
    world.restart()
    world.ledger("set_supplier", number="50013", name="Sydvind Stolar & Bord AB")
    world.settle(900)
    (vendor,) = [one for one in world.there("vendors") if one["vendorCode"] == "50013"]
    assert (vendor["externalCode"], vendor["name"]) == ("old-50013", "Sydvind Stolar & Bord AB")
    assert "refused" not in world.items()


def test_a_row_that_a_refused_batch_names_is_held_and_the_others_are_sent(world: PurchaseWorld) -> None:
    world.ledger("set_credit_terms", id="N5", description="Five days before", days=-5)
    world.settle(900)
    terms = world.trips("creditterm")
    assert terms["N5"] == ("held", "refused")
    assert "bw:term:N5" in world.items()["refused"]
    assert {state for key, (state, _) in terms.items() if key != "N5"} == {"posted"}
    assert world.codes("paymentTerms", "paymentTermCode") == {"0", "14", "30"}
    assert world.trips("supplier")["50012"][0] == "posted"
    assert world.works.lines.calls()["POST /v1/paymentTerms"] == 2  # the refused one, and one with the rest


def test_a_receipt_and_a_change_of_its_order_re_send_the_whole_line(world: PurchaseWorld) -> None:
    order = world.order(10)
    world.settle(600)
    assert "goodsReceipts" not in line_of(world)
    world.receive(order, {"1": 6})
    world.settle(1_200)
    assert [row["quantity"] for row in line_of(world)["goodsReceipts"]] == [6]
    assert line_of(world)["orderLineCoding"]
    world.ledger("change_order", number=order, lines={"1": {"unitCost": "90.00"}})
    world.settle(1_200)
    line = line_of(world)
    assert (line["netPrice"], [row["quantity"] for row in line["goodsReceipts"]]) == (90, [6])
    assert world.trips("purchaseorder")[order][0] == "posted"
    assert {state for state, _ in world.trips("purchasereceipt").values()} == {"posted"}


def test_a_receipt_that_is_cancelled_is_taken_back_by_a_negative_row(world: PurchaseWorld) -> None:
    order = world.order(10)
    receipt = world.receive(order, {"1": 6})
    world.settle(900)
    world.ledger("change_receipt", number=receipt, fields={"status": "Cancelled"})
    world.settle(1_200)
    first, back = sorted(line_of(world)["goodsReceipts"], key=lambda row: -row["quantity"])
    assert (first["quantity"], back["quantity"]) == (6, -6)
    assert back["referenceGRExternalCode"] == first["externalCode"]


def test_a_line_that_is_gone_is_deleted_there_and_a_closed_order_closes_every_line(world: PurchaseWorld) -> None:
    order = world.order(10, 4)
    world.settle(900)
    world.ledger("change_order", number=order, remove=[2])
    world.settle(1_200)
    assert (line_of(world, "1")["isDeleted"], line_of(world, "2")["isDeleted"]) == (False, True)
    world.ledger("change_order", number=order, fields={"status": "Closed"})
    world.settle(1_200)
    assert [row["isClosed"] for row in world.there("matchingOrderLines")] == [True, True]
    assert [row["isClosed"] for row in world.there("matchingOrders")] == [True]
    again = world.order(1)
    world.ledger("change_order", number=again, fields={"status": "Cancelled"})
    world.settle(1_200)
    assert world.trips("purchaseorder")[again] == ("ignored", "it is Cancelled and was never sent")


def test_a_supplier_on_hold_is_known_and_not_paid_and_one_that_is_inactive_is_switched_off(
    world: PurchaseWorld,
) -> None:
    world.settle(600)
    world.ledger("set_supplier", number="50012", status="HoldPayments")
    world.ledger("set_supplier", number="50013", status="Inactive")
    world.settle(1_200)
    there = {row["vendorCode"]: row["processingStatus"] for row in world.there("vendors")}
    assert there["50012"] == {"active": True, "paymentDenied": True}
    assert there["50013"]["active"] is False


def test_what_the_ledger_removes_is_switched_off_there(world: PurchaseWorld) -> None:
    world.settle(600)
    world.ledger("remove", kind="segmentvalue", number="1/30")
    world.settle(4_000, step=200)
    (gone,) = [row for row in world.there("costCenters") if row["costCenterCode"] == "30"]
    assert [one["active"] for one in gone["companies"]] == [False]


def test_slow_results_are_looked_for_ever_more_seldom_and_after_a_day_a_person_is_told(world: PurchaseWorld) -> None:
    world.at_basware("knobs", paused=True)
    world.read()
    world.pass_time(3_600, step=60)
    looked = world.works.lines.calls().get("GET /v1/requestStatus", 0)
    assert looked <= 5 * 9  # five requests of reference data: 10 s, 30 s, 1, 2, 5, 10, 30 minutes
    world.pass_time(90_000, step=1_800)
    assert "draft-missing" in world.items()
    world.at_basware("knobs", paused=False)
    for item in reviewing.open_items(world.works, world.workspace, code="draft-missing"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="check-again", by="Ann")
    world.settle(900)
    assert {state for state, _ in world.trips("supplier").values()} == {"posted"}


def test_too_many_calls_and_busy_answers_only_delay(world: PurchaseWorld) -> None:
    world.at_basware("fail_next", status=429, operation="POST /v1/vendors", retry_after="20")
    world.at_basware("fail_next", status=409, operation="POST /v1/paymentTerms")
    world.at_basware("fail_next", status=503, operation="POST /v1/accounts")
    world.at_basware("fail_next", status=500, operation="POST /v1/taxCodes", after_commit=True)
    world.settle(2_000)
    assert {state for state, _ in world.trips("supplier").values()} == {"posted"}
    assert set(world.items()) == {"tax-rate-unknown"}
    with world.works.database.reading():
        assert query(world, "SELECT outcome FROM attempt WHERE outcome = 'unknown'") == []


def test_nothing_is_sent_before_the_terms_name_the_company_and_the_tenant(tmp_path: Path) -> None:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books(namespace="")
    world.settle(300)
    assert world.items().keys() == {"purchase-terms-missing"}
    assert world.at_basware("truth")["requests"] == []
    world.close()


def test_both_ways_say_the_same_of_purchases_whichever_is_told(tmp_path: Path) -> None:
    """Two modes at once would hand an invoice on and book it again when it comes back."""
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books()
    out, back = world.routes["visma_to_basware"], world.routes["basware_to_visma"]
    changed = replace(world.terms, purchase=replace(world.terms.purchase, mode="visma_receives"), batch_age_s=7)
    ruling.save_terms(world.works, out, changed, by="Ann")
    theirs = ruling.terms_now(world.works, back)
    assert (theirs.purchase.mode, theirs.batch_age_s) == ("visma_receives", world.terms.batch_age_s)
    said = query(world, "SELECT subject FROM audit_event WHERE verb = 'terms saved' ORDER BY seq")
    assert [row[0] for row in said] == [out, back]
    world.close()


def test_the_second_way_takes_over_what_the_first_says_of_purchases(tmp_path: Path) -> None:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.only_out = True
    world.open_books()
    out = world.routes["visma_to_basware"]
    plain = Terms(code="bw")
    back = setup.add_route(
        world.works, company_id=world.company_id, flow="basware_to_visma", source_id=world.basware_id, terms=plain,
        posting="off", by="Ann",
    )  # fmt: skip
    assert ruling.terms_now(world.works, back).purchase == ruling.terms_now(world.works, out).purchase
    world.close()


def test_ten_suppliers_and_their_orders_share_calls(tmp_path: Path) -> None:
    many = [{**SUPPLIERS[0], "number": str(51000 + n), "name": f"Supplier {n}"} for n in range(10)]
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books(suppliers=many)
    for one in many:
        world.order(1, 2, 3, supplier=one["number"])
    world.settle(1_200)
    calls = world.works.lines.calls()
    assert (calls["POST /v1/vendors"], calls["POST /v1/matchingOrders"], calls["POST /v1/matchingOrderLines"]) == (
        1,
        1,
        1,
    )
    assert len(world.there("matchingOrderLines")) == 30
    world.close()
