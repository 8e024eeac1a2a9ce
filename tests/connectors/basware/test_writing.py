"""Parcels and answers on their way: what is posted, what requestStatus makes of it, what a lost answer costs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.basware.client import parts_of
from ml_connector.connectors.shapes import Observed
from ml_connector.errors import ConfigurationError, NotAuthorized, RateLimited, Rejected, Transient, UnknownOutcome
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Parcel
from ml_connector.finance.procurement import Acknowledgement, SupplierCard
from tests.connectors.basware.contents import CARD, HEADER, INVOICE, LINE, PAID, REFERENCE, TRANSFER, code, row
from tests.connectors.basware.scripted import CREDENTIALS, DOCUMENTS, STATUS, Scripted, context, error, reply, request

A, B = (replace(CARD, external_code=code("supplier", n), number=n, source=f"vi:supplier:{n}") for n in ("1", "2"))
SUPPLIERS = Parcel("supplier_card", ((A.source, A), (B.source, B)), (0, 0))


def swept(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"requestStatus": list(rows)}


def seen(script: Scripted, parcel: Parcel = SUPPLIERS, remote_id: str = "req-1") -> Observed:
    return script.writer().observe(parcel.kind, [(parcel, context("p", remote_id=remote_id))])[remote_id]


def both(first: str, second: str, **more: Any) -> dict[str, Any]:
    return request("req-1", (A.external_code, first), (B.external_code, second), **more)


# ---------------------------------------------------------------------------------------------- sending


def test_a_parcel_is_one_array_and_its_request_id_is_kept() -> None:
    script = Scripted({"POST /v1/vendors": reply(200, [], x_amzn_RequestId="06ca")})
    made = script.writer().create("supplier_card", SUPPLIERS, context())
    assert (made.remote_id, made.released) == ("06ca", False)
    assert [one["vendorCode"] for one in json.loads(script.to("/v1/vendors", "POST")[0].content)] == ["1", "2"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("account", "/v1/accounts"), ("cost_center", "/v1/costCenters"), ("list", "/v1/lists/ACC_LIST_1"),
        ("tax_code", "/v1/taxCodes"), ("payment_term", "/v1/paymentTerms"), ("project", "/v2/projects"),
        ("exchange_rate", "/v1/exchangeRates"),
    ],
)  # fmt: skip
def test_reference_rows_go_where_they_belong(kind: str, path: str) -> None:
    script = Scripted({f"POST {path}": []} | {f"POST {path}": reply(200, [], x_amzn_RequestId="r")})
    one = REFERENCE[kind]
    script.writer().create("reference_row", Parcel("reference_row", ((one.source, one),), (0,)), context())
    assert len(script.to(path, "POST")) == 1


def test_companies_and_resources_never_share_a_call() -> None:
    for other in (row(company="NO02"), REFERENCE["tax_code"]):
        parcel = Parcel("reference_row", (("a", row()), ("b", other)), (0, 0))
        with pytest.raises(Rejected, match="mixes"):
            Scripted().writer().create("reference_row", parcel, context())


def test_the_sheets_limits_are_the_parcels() -> None:
    assert {kind: KINDS[kind].parcel for kind in ("reference_row", "supplier_card", "order_header", "order_line")} == {
        "reference_row": 500, "supplier_card": 200, "order_header": 500, "order_line": 100,
    }  # fmt: skip


def test_a_refused_parcel_names_its_bad_rows_by_their_keys() -> None:
    errors = {"errors": [{"code": "SCHEMA_VALIDATION_ERROR", "message": "too long", "externalCode": B.external_code}]}
    script = Scripted({"POST /v1/vendors": reply(400, errors)})
    with pytest.raises(Rejected) as refused:
        script.writer().create("supplier_card", SUPPLIERS, context())
    assert refused.value.rows == {B.source: "too long"}


def test_an_answer_without_a_request_id_is_an_unknown_outcome() -> None:
    script = Scripted({"POST /v1/vendors": reply(200, [])})
    with pytest.raises(UnknownOutcome):
        script.writer().create("supplier_card", SUPPLIERS, context())


def test_a_parcel_above_four_megabytes_is_split_and_nothing_is_lost() -> None:
    rows = [{"externalCode": str(n), "description": "x" * 900_000} for n in range(10)]
    parts = parts_of(rows)
    assert len(parts) == 3
    assert [one for part in parts for one in json.loads(part)] == rows
    assert all(len(part) <= 4 * 1024 * 1024 for part in parts)
    with pytest.raises(Rejected, match="bytes"):
        parts_of([{"externalCode": "x", "description": "x" * 7_000_000}])


def test_a_number_that_a_double_cannot_hold_is_refused_and_not_rounded() -> None:
    line = replace(LINE, quantity=Decimal("0.12345678901234567891"))
    with pytest.raises(Rejected, match="digits"):
        Scripted().writer().create("order_line", Parcel("order_line", (("k", line),), (0,)), context())


def test_the_second_time_a_record_is_sent_it_differs() -> None:
    script = Scripted({"POST /v1/matchingOrders": reply(200, [], x_amzn_RequestId="r")})
    for again in (0, 1):
        parcel = Parcel("order_header", ((HEADER.source, HEADER),), (again,))
        script.writer().create("order_header", parcel, context())
    first, second = (json.loads(one.content)[0] for one in script.to("/v1/matchingOrders"))
    assert "text10" not in first
    assert second["text10"] == "#2"


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (error(400, "SCHEMA_VALIDATION_ERROR", "too long", "6f0c"), Rejected),
        (httpx2.Response(403), NotAuthorized),
        (httpx2.Response(404), Rejected),
        (error(409, "CONFLICT_IN_POST"), Transient),
        (httpx2.Response(429, headers={"Retry-After": "7"}), RateLimited),
        (error(500, "SNS_PUBLISH_ERROR"), Transient),
        (error(500, "UNEXPECTED_ERROR"), UnknownOutcome),
        (httpx2.Response(503), Transient),
    ],
)
def test_each_refusal_is_the_error_it_means(answer: httpx2.Response, raised: type[Exception]) -> None:
    script = Scripted({"POST /v1/vendors": answer})
    with pytest.raises(raised) as caught:
        script.writer().create("supplier_card", SUPPLIERS, context())
    assert type(caught.value) in (raised, *raised.__subclasses__())
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after_s in (None, 5.0, 7.0)
    if answer.status_code == 400:
        assert "6f0c" in str(caught.value)


# ---------------------------------------------------------------------------------------------- conflicts


def test_a_conflict_is_tried_three_times_more_and_is_a_refusal_then() -> None:
    errors = [{"externalCode": B.external_code, "type": "BUSINESS", "code": "CONFLICT_IN_POST", "message": "in flight"}]
    script = Scripted({"POST /v1/vendors": reply(409, {"requestId": "r", "hasErrors": True, "errors": errors})})
    writer = script.writer()
    for _ in range(3):
        with pytest.raises(Transient) as busy:
            writer.create("supplier_card", SUPPLIERS, context())
        assert busy.value.retry_after_s == 5
    with pytest.raises(Rejected, match="4 times") as refused:
        writer.create("supplier_card", SUPPLIERS, context())
    assert list(refused.value.rows) == [B.source]


def test_a_conflict_that_ends_counts_from_the_beginning_the_next_time() -> None:
    busy, fine = error(409, "CONFLICT_IN_POST"), reply(200, [], x_amzn_RequestId="req-1")
    script = Scripted({"POST /v1/vendors": [busy, busy, busy, fine, busy]})
    writer = script.writer()
    for _ in range(3):
        with pytest.raises(Transient):
            writer.create("supplier_card", SUPPLIERS, context())
    writer.create("supplier_card", SUPPLIERS, context())
    with pytest.raises(Transient):
        writer.create("supplier_card", SUPPLIERS, context())


def test_an_answer_that_meets_a_conflict_is_looked_for_first_because_it_may_be_ours() -> None:
    path = f"{DOCUMENTS}/DOC1"
    given = {"invoiceId": "DOC1", "paymentResponses": [{"externalCode": PAID.external_code}]}
    script = Scripted({f"POST {path}/paymentResponses": error(409, "CONFLICT_IN_POST"), f"GET {path}": given})
    made = script.writer().create("payment_answer", PAID, context())
    assert (made.remote_id, made.released) == (PAID.external_code, True)
    script.answers[f"GET {path}"] = {"invoiceId": "DOC1"}
    with pytest.raises(Transient):
        script.writer().create("payment_answer", PAID, context())


# ---------------------------------------------------------------------------------------------- what is there already


def vendor(card: SupplierCard, code_: str) -> dict[str, Any]:
    return {"externalCode": code_, "vendorCode": card.number, "name": "Of another program"}


def sent(script: Scripted) -> list[str]:
    return [row["externalCode"] for row in json.loads(script.to("/v1/vendors", "POST")[0].content)]


def test_a_row_that_is_there_already_keeps_its_key_because_a_code_exists_once() -> None:
    listed = reply(200, {"vendorEntities": [vendor(A, "theirs-1"), vendor(B, B.external_code)]})
    script = Scripted({"GET /v1/vendors": listed, "POST /v1/vendors": reply(200, [], x_amzn_RequestId="req-1")})
    writer = script.writer()
    writer.create("supplier_card", SUPPLIERS, context())
    assert sent(script) == ["theirs-1", B.external_code]
    assert script.to("/v1/vendors", "GET")[0].url.params["companyCode"] == A.company
    script.answers[STATUS] = swept(request("req-1", ("theirs-1", "Success"), (B.external_code, "Success")))
    done = writer.observe("supplier_card", [(SUPPLIERS, context("p", remote_id="req-1"))])["req-1"]
    assert (done.state, done.refused) == ("released", {})
    assert list(done.facts["notes"]) == [A.source]
    assert len(script.to("/v1/vendors", "GET")) == 1  # read once, for ten minutes


def test_what_is_there_is_read_whole_once_and_then_what_changed() -> None:
    lists = [reply(200, {"vendorEntities": rows}) for rows in ([], [vendor(A, "theirs-1")])]
    script = Scripted({"GET /v1/vendors": lists, "POST /v1/vendors": reply(200, [], x_amzn_RequestId="req-1")})
    writer = script.writer()
    writer.create("supplier_card", SUPPLIERS, context())
    script.clock.advance(601)
    writer.create("supplier_card", SUPPLIERS, context())
    first, second = script.to("/v1/vendors", "GET")
    assert "lastUpdated" not in first.url.params
    assert second.url.params["lastUpdated"] == "2026-02-03T11:55:00.000Z"
    assert json.loads(script.to("/v1/vendors", "POST")[1].content)[0]["externalCode"] == "theirs-1"


def test_a_code_that_is_twice_there_is_held_and_the_others_go() -> None:
    listed = reply(200, {"vendorEntities": [vendor(A, "theirs-1"), vendor(A, "theirs-2")]})
    script = Scripted({"GET /v1/vendors": listed})
    with pytest.raises(Rejected) as refused:
        script.writer().create("supplier_card", SUPPLIERS, context())
    assert refused.value.rows == {A.source: f"Basware has 2 rows with code 1 in company {A.company}: keep one."}


def test_without_the_right_to_read_what_is_sent_decides() -> None:
    answers = {"GET /v1/vendors": httpx2.Response(403), "POST /v1/vendors": reply(200, [], x_amzn_RequestId="req-1")}
    script = Scripted(answers)
    script.writer().create("supplier_card", SUPPLIERS, context())
    assert sent(script) == [A.external_code, B.external_code]


def test_a_refused_row_that_was_there_before_is_named_by_its_key() -> None:
    listed = reply(200, {"vendorEntities": [vendor(A, "theirs-1")]})
    errors = [{"externalCode": "theirs-1", "type": "VALIDATION", "code": "X", "message": "no"}]
    answer = reply(400, {"requestId": "r", "hasErrors": True, "errors": errors})
    script = Scripted({"GET /v1/vendors": listed, "POST /v1/vendors": answer})
    with pytest.raises(Rejected) as refused:
        script.writer().create("supplier_card", SUPPLIERS, context())
    assert list(refused.value.rows) == [A.source]


# ---------------------------------------------------------------------------------------------- requestStatus


def test_http_200_says_nothing_until_the_records_own_item_says_success() -> None:
    script = Scripted({STATUS: swept(both("Success", "InProgress", state="InProgress"))})
    assert seen(script).state == "pending"
    script = Scripted({STATUS: swept(both("Success", "Success"))})
    done = seen(script)
    assert (done.state, done.refused) == ("released", {})
    asked = script.to(STATUS)[0].url.params
    assert "ignoreSuccessfullItems" not in asked  # a missing item would read as success
    assert asked["system"] == "P2P"
    assert asked["lastUpdated"] == "2026-02-03T11:55:00.000Z"


def test_an_error_request_can_hold_good_items() -> None:
    done = seen(Scripted({STATUS: swept(both("Success", "Error", state="Error"))}))
    assert done.state == "released"
    assert done.refused == {B.source: "Payment term 30 not found."}


def test_one_sweep_settles_all_open_requests() -> None:
    rows = [request(f"req-{n}", (A.external_code, "Success"), (B.external_code, "Success")) for n in range(20)]
    script = Scripted({STATUS: swept(*rows)})
    contexts = [(SUPPLIERS, context(f"p{n}", remote_id=f"req-{n}")) for n in range(20)]
    found = script.writer().observe("supplier_card", contexts)
    assert {one.state for one in found.values()} == {"released"}
    assert len(script.to(STATUS)) == 1


def test_a_warning_is_done_with_a_note() -> None:
    row_ = both("Success", "Warning")
    row_["systems"][0]["items"][1]["errors"] = [{"type": "Warning", "message": "Address left out"}]
    done = seen(Scripted({STATUS: swept(row_)}))
    assert (done.refused, done.facts["notes"]) == ({}, {B.source: "Address left out"})


def test_unchanged_counts_only_where_the_same_content_had_success_before() -> None:
    unchanged = both("Success", "NotProcessed")
    good = request("req-0", (B.external_code, "Success"), at="2026-02-03T11:59:00Z")
    assert seen(Scripted({STATUS: swept(unchanged, good)})).refused == {}
    bad = request("req-0", (B.external_code, "Error"), state="Error", at="2026-02-03T11:59:00Z")
    assert seen(Scripted({STATUS: swept(unchanged, bad)})).refused == {B.source: "Payment term 30 not found."}


def test_unchanged_that_the_sweep_cannot_explain_is_looked_up_in_the_history() -> None:
    unchanged = both("Success", "NotProcessed")
    good = request("req-0", (B.external_code, "Success"), at="2026-01-03T11:59:00Z")

    def answer(asked: httpx2.Request) -> httpx2.Response:
        history = "entityType" in asked.url.params
        return reply(200, swept(unchanged, good) if history else swept(unchanged))

    assert seen(Scripted({STATUS: answer})).refused == {}
    (refused,) = seen(Scripted({STATUS: swept(unchanged)})).refused.items()
    assert refused[0] == B.source
    assert "Replay" in refused[1]


@pytest.mark.parametrize(("status", "refused"), [("Success", False), ("Error", True)])
def test_of_a_record_that_expired_the_newer_request_decides(status: str, refused: bool) -> None:
    old = both("Success", "RecordExpired")
    new = request("req-2", (B.external_code, status), at="2026-02-03T12:00:06Z")
    done = seen(Scripted({STATUS: swept(old, new)}))
    assert (B.source in done.refused) is refused
    assert ("taken in its place" in done.facts["notes"].get(B.source, "")) is not refused


@pytest.mark.parametrize(
    ("at", "refused"),
    [("2026-02-03T12:00:02Z", False), ("2026-02-03T11:59:59Z", True)],
    ids=["after we sent ours", "before: an older version"],
)
def test_the_newer_request_may_finish_before_the_one_that_it_overtook(at: str, refused: bool) -> None:
    old = both("Success", "RecordExpired")
    first = request("req-2", (B.external_code, "Success"), at=at)
    done = seen(Scripted({STATUS: swept(old, first)}))
    assert (B.source in done.refused) is refused
    assert (B.source in done.facts["notes"]) is not refused


def test_a_newer_request_that_is_at_work_is_waited_for() -> None:
    old = both("Success", "RecordExpired")
    at_work = request("req-2", (B.external_code, "InProgress"), state="InProgress", at="2026-02-03T12:00:06Z")
    assert seen(Scripted({STATUS: swept(old, at_work)})).state == "pending"


def test_a_row_that_a_finished_request_does_not_name_is_not_done() -> None:
    done = seen(Scripted({STATUS: swept(request("req-1", (A.external_code, "Success")))}))
    assert set(done.refused) == {B.source}


def test_a_request_that_the_sweep_lacks_is_asked_for_by_its_id_and_may_be_on_its_way() -> None:
    script = Scripted({STATUS: httpx2.Response(404), f"{STATUS}/req-1": httpx2.Response(404)})
    assert seen(script).state == "pending"
    script = Scripted({STATUS: httpx2.Response(404), f"{STATUS}/req-1": swept(both("Success", "Success"))})
    assert seen(script).state == "released"


def test_a_parcel_sent_in_two_calls_waits_for_both() -> None:
    first = request("req-1", (A.external_code, "Success"))
    script = Scripted({STATUS: swept(first), f"{STATUS}/req-2": httpx2.Response(404)})
    assert seen(script, remote_id="req-1 req-2").state == "pending"
    second = request("req-2", (B.external_code, "Success"))
    assert seen(Scripted({STATUS: swept(first, second)}), remote_id="req-1 req-2").refused == {}


def test_an_unknown_word_is_never_taken_for_success() -> None:
    assert seen(Scripted({STATUS: swept(both("Success", "Marvellous"))})).state == "pending"


# ---------------------------------------------------------------------------------------------- lost answers


def test_a_lost_parcel_is_found_by_the_records_its_request_names() -> None:
    other = request("req-8", (A.external_code, "Success"))
    ours = both("Success", "Success")
    script = Scripted({STATUS: swept(other, ours)})
    (hit,) = script.writer().find("supplier_card", [(SUPPLIERS, context())])["TOKEN00001"]
    assert hit.remote_id == "req-1"
    script = Scripted({STATUS: swept(other)})
    assert script.writer().find("supplier_card", [(SUPPLIERS, context())]) == {"TOKEN00001": []}


def test_a_lost_answer_to_a_document_is_found_on_the_document() -> None:
    document = {"invoiceId": "DOC1", "transferResponses": [{"externalCode": TRANSFER.external_code}]}
    script = Scripted({f"{DOCUMENTS}/DOC1": {"accountingDocuments": [document]}})
    assert len(script.writer().find("transfer_answer", [(TRANSFER, context())])["TOKEN00001"]) == 1
    assert script.writer().find("payment_answer", [(PAID, context())])["TOKEN00001"] == []


def test_an_acknowledgement_that_was_made_before_counts_as_made() -> None:
    script = Scripted({f"POST {DOCUMENTS}/DOC1/acknowledge": httpx2.Response(405)})
    made = script.writer().create("acknowledgement", Acknowledgement("DOC1", "k"), context())
    assert made.released
    assert script.to(f"{DOCUMENTS}/DOC1/acknowledge")[0].content == b""


def test_answers_are_single_objects_and_followed_by_their_request() -> None:
    path = f"{DOCUMENTS}/DOC1/transferResponses"
    script = Scripted({f"POST {path}": reply(200, {}, x_amzn_RequestId="t-1")})
    assert script.writer().create("transfer_answer", TRANSFER, context()).remote_id == "t-1"
    assert json.loads(script.to(path)[0].content)["voucherNumber1"] == "400123"
    status = request("t-1", ("", "Success"), entity="TransferResponse")
    status["systems"][0]["items"] = [{"externalCode": "x", "parentExternalCode": "DOC1", "status": "Success"}]
    script = Scripted({STATUS: swept(status)})
    found = script.writer().observe("transfer_answer", [(TRANSFER, context("k", remote_id="t-1"))])
    assert found["t-1"].state == "released"


# ---------------------------------------------------------------------------------------------- invoices


def test_an_invoice_without_a_file_goes_over_the_network_with_its_own_credentials() -> None:
    path = f"/v1/invoices/{INVOICE.document_id}"
    given = {**CREDENTIALS, "network_user": "nu", "network_password": "np"}
    script = Scripted({f"POST {path}": httpx2.Response(202)}, credentials=given)
    made = script.writer().create("received_invoice", INVOICE, context())
    assert (made.remote_id, made.released) == (INVOICE.document_id, True)
    (sent,) = script.to(path)
    assert sent.headers["authorization"] == "Basic bnU6bnA="
    assert sent.headers["x-bw-request-id"] == INVOICE.client_token
    with pytest.raises(ConfigurationError, match="credentials of its own"):
        Scripted().writer().create("received_invoice", INVOICE, context())


def test_a_file_is_put_without_authorization_and_its_document_is_known_before() -> None:
    url = "https://upload.eu-west-1.amazonaws.com/put/1?sig=x"
    answers = {
        "POST /v2/smartpdf/invoiceUpload": {"uploadUrl": url, "bumId": "bum-1"},
        "PUT /put/1": httpx2.Response(200),
    }
    script = Scripted(answers)
    with_file = replace(INVOICE, file="f-1", file_name="a.pdf", mailbox="in@demo.example", notify="ap@demo.example")
    made = script.writer().create("received_invoice", with_file, context())
    assert (made.remote_id, made.etag, made.released) == ("bum-1", url, False)
    asked = context(remote_id="bum-1", etag=made.etag)
    script.writer().attach("received_invoice", asked, file_name="a.pdf", body=b"%PDF-")
    (sent,) = script.to("/put/1")
    assert "authorization" not in sent.headers
    assert sent.content == b"%PDF-"
