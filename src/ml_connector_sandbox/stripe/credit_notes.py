"""Credit notes: what they credit, what of it lowers the rest of an invoice, where the remainder goes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ml_connector_sandbox.stripe import balances, events, refunds, settling, taxes
from ml_connector_sandbox.stripe.refusals import Json, bad, missing
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


@dataclass(frozen=True, slots=True)
class Worked:
    """A credit note worked out, before it is done."""

    row: Json
    lines: list[Json]
    linked: list[tuple[Json, int]]
    refund_amount: int
    credit_amount: int


def work_out(book: Book, given: Json, now: int) -> Worked:
    """The credit note these parameters make. Refused when it credits too much or splits wrongly."""
    invoice = book.get("invoice", given["invoice"])
    if invoice is None:
        raise missing("invoice", given["invoice"], param="invoice", status=400)
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        text = f"Credit notes can only be made for finalized invoices: this one is {invoice['status']}."
        raise bad(text, param="invoice")
    lines = _lines(book, invoice, given)
    subtotal = sum(line["amount"] for line in lines)
    exclusive = sum(t["amount"] for line in lines for t in line["taxes"] if t["tax_behavior"] == "exclusive")
    inclusive = sum(t["amount"] for line in lines for t in line["taxes"] if t["tax_behavior"] == "inclusive")
    total = subtotal + exclusive
    if total <= 0:
        raise bad("The credit note amount must be positive.", param="amount")
    before = min(total, invoice["amount_remaining"]) if invoice["status"] != "paid" else 0
    after = total - before
    linked = _linked(book, invoice, given)
    _check_room(book, invoice, after, linked)
    split = {name: given.get(f"{name}_amount") or 0 for name in ("refund", "credit", "out_of_band")}
    parts = sum(split.values()) + sum(amount for _, amount in linked)
    if parts != after:
        text = (
            f"The sum of credit amount, refund amount, out of band amount and refunds ({parts}) must equal the credit "
            f"note's post payment amount ({after})."
        )
        raise bad(text, param="amount")
    count = len(book.shelves["credit_note"].having("invoice", invoice["id"])) + 1
    key = book.key("credit_note")
    row: Json = {
        "id": key, "object": "credit_note", "amount": total, "amount_shipping": 0, "created": seconds(now),
        "currency": invoice["currency"], "customer": invoice["customer"], "customer_account": None,
        "customer_balance_transaction": None, "discount_amount": 0, "discount_amounts": [],
        "effective_at": given.get("effective_at") or seconds(now), "invoice": invoice["id"], "lines": None,
        **book.mode(), "memo": given.get("memo"), "metadata": merged({}, given.get("metadata")),
        "number": f"{invoice['number']}-CN-{count:02d}", "out_of_band_amount": split["out_of_band"] or None,
        "pdf": f"https://pay.stripe.com/credit_notes/{book.account.id}/{key}/pdf?s=ap", "post_payment_amount": after,
        "pre_payment_amount": before, "pretax_credit_amounts": [], "reason": given.get("reason"), "refunds": [],
        "shipping_cost": None, "status": "issued", "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive, "total": total, "total_excluding_tax": subtotal - inclusive,
        "total_taxes": [dict(t) for line in lines for t in line["taxes"]],
        "type": "mixed" if before and after else "post_payment" if after else "pre_payment", "voided_at": None,
    }  # fmt: skip
    return Worked(row, lines, linked, split["refund"], split["credit"])


def _check_room(book: Book, invoice: Json, after: int, linked: list[tuple[Json, int]]) -> None:
    """What was paid, less credited, less refunded without a credit note, is all that can be credited afterwards."""
    notes = book.shelves["credit_note"].having("invoice", invoice["id"])
    credited = sum(note["post_payment_amount"] for note in notes if note["status"] == "issued")
    now_linked = {refund["id"] for refund, _ in linked}
    loose = sum(
        r["amount"] for charge in charges_of(book, invoice)
        for r in book.shelves["refund"].having("charge", charge["id"])
        if not book.extra[r["id"]]["credit_note"] and r["id"] not in now_linked
        and r["status"] not in {"failed", "canceled"}
    )  # fmt: skip
    room = invoice["amount_paid"] - credited - loose
    if after > room:
        text = f"The credit note amount exceeds what can still be credited after payment: {after} of {max(room, 0)}."
        raise bad(text, param="amount")


def charges_of(book: Book, invoice: Json) -> list[Json]:
    """The charges that paid an invoice."""
    found = []
    for row in book.shelves["invoice_payment"].having("invoice", invoice["id"]):
        if row["status"] == "paid" and row["payment"]["type"] == "payment_intent":
            charges = book.shelves["charge"].having("payment_intent", row["payment"]["payment_intent"])
            found += [charge for charge in charges if charge["status"] == "succeeded"]
    return found


def _linked(book: Book, invoice: Json, given: Json) -> list[tuple[Json, int]]:
    own = {charge["id"] for charge in charges_of(book, invoice)}
    found = []
    for n, link in enumerate(given.get("refunds") or []):
        refund = book.get("refund", link.get("refund"))
        if refund is None or refund["charge"] not in own:
            raise missing("refund", str(link.get("refund")), param=f"refunds[{n}][refund]", status=400)
        if book.extra[refund["id"]]["credit_note"] or refund["status"] in {"failed", "canceled"}:
            raise bad(f"The refund {refund['id']} cannot be linked.", param=f"refunds[{n}][refund]")
        amount = refund["amount"] if link.get("amount_refunded") is None else link["amount_refunded"]
        if not 0 < amount <= refund["amount"]:
            raise bad("More than the refund.", param=f"refunds[{n}][amount_refunded]")
        found.append((refund, amount))
    return found


def _lines(book: Book, invoice: Json, given: Json) -> list[Json]:
    ways = [name for name in ("amount", "lines") if given.get(name) is not None]
    if len(ways) != 1:
        raise bad("You must specify exactly one of: amount, lines.", param="amount")
    if ways == ["amount"]:
        return [_line(book, {"type": "custom_line_item", "description": "Credit"}, given["amount"], 1, [])]
    return [_given_line(book, invoice, one, f"lines[{n}]") for n, one in enumerate(given["lines"])]


def _line(book: Book, given: Json, amount: int, quantity: int, taxed: list[Json]) -> Json:
    rates = [book.shelves["tax_rate"].rows[t["tax_rate_details"]["tax_rate"]] for t in taxed]
    custom = given["type"] == "custom_line_item"
    return {
        "id": book.world.mint.key("cnli"), "object": "credit_note_line_item", "amount": amount,
        "description": given.get("description"), "discount_amount": 0, "discount_amounts": [],
        "invoice_line_item": given.get("invoice_line_item"), **book.mode(),
        "metadata": merged({}, given.get("metadata")), "pretax_credit_amounts": [], "quantity": quantity,
        "tax_rates": [dict(rate) for rate in rates], "taxes": taxed, "type": given["type"],
        "unit_amount": amount // quantity if custom else None,
        "unit_amount_decimal": str(Decimal(amount) / quantity) if custom else None,
    }  # fmt: skip


def _given_line(book: Book, invoice: Json, given: Json, where: str) -> Json:
    if given.get("tax_amounts") and given.get("tax_rates"):
        raise bad("You may only specify one of these parameters: tax_amounts, tax_rates.", param=where)
    if given["type"] == "custom_line_item":
        return _custom(book, given, where)
    line = next((x for x in book.lines[invoice["id"]] if x["id"] == given.get("invoice_line_item")), None)
    if line is None:
        name = f"{where}[invoice_line_item]"
        raise missing("invoice line item", str(given.get("invoice_line_item")), param=name, status=400)
    amount = _line_amount(line, given, where)
    if not 0 < amount <= line["amount"] - _credited(book, invoice, line["id"]):
        raise bad(f"More than what is left to credit of {line['id']}.", param=f"{where}[amount]")
    if given.get("tax_amounts"):
        taxed = [_given_tax(line, one, f"{where}[tax_amounts][{n}]") for n, one in enumerate(given["tax_amounts"])]
    else:
        rates = [book.shelves["tax_rate"].rows[t["tax_rate_details"]["tax_rate"]] for t in line["taxes"]]
        taxed = [taxes.worked_out(rate, amount) for rate in rates]
    return _line(book, given | {"description": line["description"]}, amount, given.get("quantity") or 1, taxed)


def _line_amount(line: Json, given: Json, where: str) -> int:
    if (given.get("amount") is None) == (given.get("quantity") is None):
        raise bad("You must specify either amount or quantity.", param=f"{where}[amount]")
    if given.get("amount") is not None:
        return int(given["amount"])
    unit = Decimal(line["amount"]) / (line["quantity"] or 1)
    return int((unit * given["quantity"]).quantize(Decimal(1), ROUND_HALF_UP))


def _credited(book: Book, invoice: Json, key: str) -> int:
    notes = book.shelves["credit_note"].having("invoice", invoice["id"])
    lines = [line for note in notes if note["status"] == "issued" for line in book.lines[note["id"]]]
    return sum(line["amount"] for line in lines if line["invoice_line_item"] == key)


def _given_tax(line: Json, given: Json, where: str) -> Json:
    own: dict[str, Json] = {t["tax_rate_details"]["tax_rate"]: t for t in line["taxes"]}
    tax = own.get(given["tax_rate"])
    if tax is None:
        raise bad(f"The tax rate {given['tax_rate']} is not one of the invoice line's.", param=f"{where}[tax_rate]")
    return tax | {"amount": given["amount"], "taxable_amount": given["taxable_amount"]}


def _custom(book: Book, given: Json, where: str) -> Json:
    if given.get("tax_amounts") or given.get("invoice_line_item"):
        raise bad("Only invoice line items take tax_amounts.", param=f"{where}[tax_amounts]")
    unit = given.get("unit_amount")
    unit = given.get("unit_amount_decimal") if unit is None else Decimal(unit)
    if unit is None:
        raise bad("Missing required param: unit_amount.", code="parameter_missing", param=f"{where}[unit_amount]")
    quantity = given.get("quantity") or 1
    amount = int((unit * quantity).quantize(Decimal(1), ROUND_HALF_UP))
    taxed = taxes.by_rates(book, given.get("tax_rates") or [], amount, where=f"{where}[tax_rates]")
    return _line(book, given, amount, quantity, taxed)


def issue(book: Book, given: Json, now: int) -> Json:
    """Make the credit note: refund, credit, link, and lower what the invoice still asks for."""
    worked = work_out(book, given, now)
    row, invoice = worked.row, book.shelves["invoice"].rows[worked.row["invoice"]]
    book.lines[row["id"]] = worked.lines
    if worked.refund_amount:
        worked.linked.extend(_pay_back(book, invoice, worked.refund_amount, now))
    for refund, amount in worked.linked:
        book.extra[refund["id"]]["credit_note"] = True
        link = {"amount_refunded": amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}
        row["refunds"].append(link)
    if worked.credit_amount:
        moved = balances.move(
            book, row["customer"], row["currency"], -worked.credit_amount, kind="credit_note", now=now,
            invoice=invoice["id"], credit_note=row["id"],
        )  # fmt: skip
        row["customer_balance_transaction"] = moved["id"]
    if given.get("email_type") != "none":
        book.mails.append({"kind": "credit_note", "id": row["id"], "to": invoice["customer_email"], "at": seconds(now)})
    events.made(book, row, now, "credit_note.created")
    _lower(book, invoice, row, now)
    return row


def _pay_back(book: Book, invoice: Json, amount: int, now: int) -> list[tuple[Json, int]]:
    charge = next((c for c in charges_of(book, invoice) if refunds.refundable(c) >= amount), None)
    if charge is None:
        raise bad("There is no charge on this invoice that could be refunded so much.", param="refund_amount")
    return [(refunds.refund(book, charge, amount, now), amount)]


def _lower(book: Book, invoice: Json, row: Json, now: int) -> None:
    before, after = row["pre_payment_amount"], row["post_payment_amount"]
    sums = {
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + before,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + after,
        "amount_due": invoice["amount_due"] - before,
        "amount_remaining": invoice["amount_remaining"] - before,
    }
    settling.settle(book, invoice, now, sums, collected=False)


def void(book: Book, row: Json, now: int) -> Json:
    """Only of an open invoice, and only what lowered it: money that moved stays where it is."""
    invoice = book.shelves["invoice"].rows[row["invoice"]]
    if row["status"] != "issued":
        raise bad("This credit note is void already.")
    if invoice["status"] != "open" or row["post_payment_amount"]:
        raise bad(f"You can only void a credit note of an open invoice: {invoice['id']} is {invoice['status']}.")
    events.changed(book, row, now, "credit_note.voided", status="void", voided_at=seconds(now))
    back = row["pre_payment_amount"]
    sums = {
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] - back,
        "amount_due": invoice["amount_due"] + back, "amount_remaining": invoice["amount_remaining"] + back,
    }  # fmt: skip
    settling.settle(book, invoice, now, sums, collected=False)
    return row
