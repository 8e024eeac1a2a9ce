"""The write fields of the sales order service, none of them wrapped, and how it says what is wrong with one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.refusal import Refusal

Row = dict[str, Any]
Fields = dict[str, Any]  # name -> "s", "n", "b", or the fields of an object; a list of them: rows


def _fields(text: str, **nested: Any) -> Fields:
    names = (one.partition(":") for one in text.split())
    return {name: kind or "s" for name, _, kind in names} | nested


_ADDRESS = _fields("line1 line2 line3 city postalCode stateId countryId")
_CONTACT = _fields("name attention email phone1")
_CUSTOMER = _fields("id locationId order refNo termsId gln contactId:n")
LINE = _fields(
    "inventoryId quantity:n unitPrice:n unitOfMeasure unitCost:n supplierPrice:n discountPercent:n discountAmount:n"
    " discountCode hasManualPrice:b hasManualDiscount:b description note warehouseId warehouseLocationId taxCategoryId"
    " salesAccountId branchId projectTaskId salesPersonId reasonCode operation shippingRule shipDate requestDate"
    " supplierId purchaseOrderSource externalLink commissionable:b overshipThreshold:n undershipThreshold:n",
    subaccount=None,
)
_COMMON: Fields = {
    **_fields(
        "branchId cancelBy currencyId date description note originalOrderId originalOrderType ownerId projectId"
        " requestOn salesPersonId status taxZoneId useReplacementCostForMarginAndProfit:b"
    ),
    "billing": {"address": _ADDRESS, "contact": _CONTACT},
    "customer": _CUSTOMER,
    "financialInformation": _fields("cashDiscountDate dueDate invoiceDate invoiceId invoiceSeparately:b postPeriod"),
    "freight": _fields("cost:n premiumAmount:n taxCategoryId"),
    "paymentSettings": _fields("paymentMethodId paymentReference cashAccountId"),
    "print": _fields("noteOnExternalDocuments:b noteOnInternalDocuments:b descriptionOnInvoice:b"),
    "shipping": {
        **_fields(
            "fobPointId insurance:b intrastatTransactionTypeId:n preferredWarehouseId priority:n residentialDelivery:b"
            " rule saturdayDelivery:b scheduledDate shipSeparately:b shipViaId termsId zoneId"
        ),
        "address": _ADDRESS,
        "contact": _CONTACT,
    },
}
NEW: Fields = {**_COMMON, **_fields("orderId type"), "orderLines": [LINE]}
PATCH: Fields = {name: fields for name, fields in _COMMON.items() if name != "customer"} | {
    "customer": {name: kind for name, kind in _CUSTOMER.items() if name != "id"}
}
_KINDS: dict[str, tuple[type, ...]] = {"s": (str,), "n": (int, Decimal), "b": (bool,)}


class Problem(Refusal):
    """A body that is wrong at one place: the validation form of problem details."""

    def __init__(self, status: int, where: str, message: str) -> None:
        super().__init__(status, message)
        self.where = where


def fitting(content: Any, fields: Fields, where: str) -> Row:
    """The body, when every field of it is known and of its kind. Raises Problem."""
    if not isinstance(content, dict):
        raise Problem(400, where, "A JSON object is expected.")
    for name, value in content.items():
        if name not in fields:
            raise Problem(400, name, f"The member '{name}' is not known to {where}.")
        _check(name, value, fields[name])
    return content


def _check(name: str, value: Any, kind: Any) -> None:
    if value is None or kind is None:
        return
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise Problem(400, name, f"The JSON value of '{name}' is not a list.")
    elif isinstance(kind, dict):
        fitting(value, kind, name)
    elif not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "b"):
        raise Problem(400, name, f"The JSON value of '{name}' could not be converted.")
