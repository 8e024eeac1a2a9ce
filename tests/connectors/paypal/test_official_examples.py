"""What we send and what our samples look like, against the vendor's own descriptions; and their examples as we read."""

from __future__ import annotations

import copy
import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft4Validator

from ml_connector.connectors.paypal.checks import NO_DELIVERY, NO_EVENT
from ml_connector.connectors.paypal.fields import Fields
from ml_connector.connectors.paypal.invoices import invoice_of
from ml_connector.connectors.paypal.subscriptions import watch
from ml_connector.connectors.shapes import Context
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import InvoiceAdjustment
from ml_connector.finance.money import Money
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.payloads import INVOICE
from tests.connectors.paypal.scripted import CREDENTIALS, INVOICES, REPORT, SEARCH, WEBHOOKS, Report, Scripted, reply

URL = "https://door.example/hooks/paypal/x"
SPECS = Path(__file__).parents[4] / "shared" / "specs" / "paypal"

pytestmark = pytest.mark.skipif(
    not SPECS.exists(), reason=f"the vendor's descriptions are not at {SPECS}: samples and requests NOT checked"
)


@cache
def spec(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SPECS / f"{name}.json").read_text())
    return found


def faults(name: str, schema: str, instance: Any) -> list[str]:
    """What the description has against an instance, by path; bounds apart that live answers break."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": spec(name)["components"]}
    return [
        f"{'/'.join(str(part) for part in one.absolute_path)}: {one.message[:120]}"
        for one in Draft4Validator(root).iter_errors(instance)
    ]


def parameters(name: str, path: str, method: str) -> set[str]:
    """The query parameters that an operation takes."""
    described = spec(name)["paths"][path]
    listed = [*described.get("parameters", ()), *described[method].get("parameters", ())]
    resolved = [
        spec(name)["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for one in listed
    ]
    return {one["name"] for one in resolved if one["in"] == "query"}


@pytest.mark.parametrize(
    ("name", "schema", "sample"),
    [
        ("payments_payment_v2", "capture-2", paypal.capture()),
        ("payments_payment_v2", "refund", paypal.refund()),
        ("invoicing_v2", "invoice", paypal.invoice()),
        ("invoicing_v2", "invoice", paypal.discounted_invoice()),
        ("customer_disputes_v1", "dispute", paypal.dispute()),
        ("reporting_transactions_v1", "transaction_detail", paypal.row()),
    ],
    ids=["capture", "refund", "invoice", "discounted invoice", "dispute", "row"],
)
def test_our_samples_are_what_the_vendor_describes(name: str, schema: str, sample: Any) -> None:
    schemas = spec(name)["components"]["schemas"]
    found = schema if schema in schemas else schema.partition("-")[0]
    assert faults(name, found, sample) == []


def sent(kind: str, **given: Any) -> Any:
    script = Scripted(
        {
            f"{INVOICES}/{INVOICE}": paypal.invoice() if kind != "invoice_cancel" else paypal.open_invoice(),
            f"{INVOICES}/{INVOICE}/payments": {"payment_id": "EXTR-1"},
            f"{INVOICES}/{INVOICE}/refunds": {"refund_id": "EXTR-2"},
            f"{INVOICES}/{INVOICE}/cancel": reply(204),
        }
    )
    content = InvoiceAdjustment(kind, INVOICE, "pp:adj:1", text="000123", **given)  # type: ignore[arg-type]
    script.writer().create(kind, content, Context("MLC8F3C21A", "pp:adj:1"))
    return script.asked[-1][2]


MOVED = {"amount": Money.of("50.00", "NOK"), "day": date(2026, 11, 27)}


@pytest.mark.parametrize(
    ("kind", "schema", "given"),
    [
        ("external_payment", "payment_detail", MOVED),
        ("external_refund", "refund_detail", MOVED),
        ("invoice_cancel", "notification", {}),
    ],
)
def test_what_we_write_is_what_the_vendor_takes(kind: str, schema: str, given: dict[str, Any]) -> None:
    body = sent(kind, **given)
    assert faults("invoicing_v2", schema, body) == []
    assert body.keys() <= spec("invoicing_v2")["components"]["schemas"][schema]["properties"].keys()


def test_what_we_ask_for_is_in_the_vendors_parameters() -> None:
    script = Scripted(
        {
            REPORT: Report([]),
            SEARCH: {"items": []},
            INVOICES: {"items": []},
            "/v1/customer/disputes": {},
            f"GET {WEBHOOKS}": {},
        }
    )
    for stream in ("transactions", "invoices", "invoice_list", "disputes"):
        script.reader().page(stream, None, now=script.clock.now())
    asked: dict[str, set[str]] = {}
    for request in script.requests:
        asked.setdefault(request.url.path, set()).update(request.url.params.keys())
    assert asked[REPORT] <= parameters("reporting_transactions_v1", REPORT, "get")
    assert asked[INVOICES] <= parameters("invoicing_v2", INVOICES, "get")
    assert asked[SEARCH] <= parameters("invoicing_v2", SEARCH, "post")
    assert asked["/v1/customer/disputes"] <= parameters("customer_disputes_v1", "/v1/customer/disputes", "get")
    for body in script.to(SEARCH):
        assert faults("invoicing_v2", "search_data", body) == []


def test_every_path_we_call_is_described() -> None:
    described = {
        path for name in ("reporting_transactions_v1", "invoicing_v2", "customer_disputes_v1", "payments_payment_v2",
                          "notifications_webhooks_v1") for path in spec(name)["paths"]
    }  # fmt: skip
    assert {
        REPORT,
        "/v1/reporting/balances",
        INVOICES,
        SEARCH,
        f"{INVOICES}/{{invoice_id}}/payments",
        f"{INVOICES}/{{invoice_id}}/refunds",
        f"{INVOICES}/{{invoice_id}}/cancel",
        f"{INVOICES}/{{invoice_id}}/payments/{{transaction_id}}",
        "/v1/customer/disputes/{id}",
        "/v2/payments/captures/{capture_id}",
        "/v2/payments/refunds/{refund_id}",
        WEBHOOKS,
        f"{WEBHOOKS}/{{webhook_id}}",
        "/v1/notifications/webhooks-event-types",
        "/v1/notifications/verify-webhook-signature",
    } <= described


def test_what_we_say_about_webhooks_is_what_the_vendor_takes() -> None:
    made = {"id": "8PT597110X687430LKGECATA", "url": URL, "event_types": [{"name": "VAULT.X"}]}
    script = Scripted({
        "/v1/notifications/webhooks-event-types": {}, f"GET {WEBHOOKS}": {"webhooks": [made]},
        f"{WEBHOOKS}/{made['id']}": {},
    })  # fmt: skip
    watch(script.http, CREDENTIALS, URL, clock=script.clock)
    (patch,) = script.to(f"{WEBHOOKS}/{made['id']}", "PATCH")
    assert faults("notifications_webhooks_v1", "patch_request", patch) == []
    asked = {**NO_DELIVERY, "webhook_event": json.loads(NO_EVENT)}
    assert faults("notifications_webhooks_v1", "verify_webhook_signature", asked) == []


def examples() -> list[Any]:
    found = spec("invoicing_v2")["components"]["examples"]
    return [found[name]["value"] for name in ("invoice", "invoice_draft")]


def test_the_vendors_example_invoice_is_read_once_it_carries_what_paypal_adds() -> None:
    """The example is a request: PayPal adds id, status and the sums, of which 74.21 is the published total."""
    request, draft = examples()
    with pytest.raises(Untranslatable):
        invoice_of(Fields(request))
    assert invoice_of(Fields(draft)).state == "draft"
    answered = copy.deepcopy(request)
    full = paypal.discounted_invoice()
    answered |= {"id": INVOICE, "status": "SENT", "amount": full["amount"]}
    answered["detail"] |= {"metadata": full["detail"]["metadata"]}
    for item, known in zip(answered["items"], full["items"], strict=True):
        item["tax"]["amount"] = known["tax"]["amount"]
    made = invoice_of(Fields(answered))
    assert (str(made.requested), made.number) == ("74.21 USD", "#123")
    assert made.recipient is not None
    assert (made.recipient.name, made.recipient.address.city) == ("Stephanie Meyers", "Anytown")


def test_every_event_we_subscribe_to_is_within_what_a_webhook_takes() -> None:
    script = Scripted(
        {
            "/v1/notifications/webhooks-event-types": {},
            f"GET {WEBHOOKS}": {"webhooks": []},
            f"POST {WEBHOOKS}": lambda _request: httpx2.Response(201, json={"id": "8PT597110X687430LKGECATA"}),
        }
    )
    watch(script.http, CREDENTIALS, URL, clock=script.clock)
    (body,) = script.to(WEBHOOKS, "POST")
    assert faults("notifications_webhooks_v1", "webhook", body) == []
