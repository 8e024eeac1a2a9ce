"""How one company of the ledger stands in a purchase system: what a person says once, per route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class PurchaseTerms:
    """The purchase part of a route's terms. Both ways of a company carry the same; empty where a person must say."""

    code: str = "bw"  # the purchase system's connection code, first part of the keys of documents
    namespace: str = ""  # a UUID for the tenant there: every external code is made from it, so it never changes
    company: str = ""  # the company's code there, at most 25 characters
    organization: str = ""  # its organization element; empty: the company's code
    source_system: str = "VISMANET"  # at most 32 characters
    languages: tuple[str, ...] = ("en-US",)
    mode: Literal["visma_receives", "basware_receives"] = "visma_receives"
    updates: bool = False  # visma_receives: coding comes back into the ledger, and answers go there
    payments: bool = False  # payments are told back
    # Segment of the ledger's subaccount -> where its values go there: cost_center, project, dim1...dim10.
    dimensions: Mapping[int, str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)  # segment -> list key of the dimN (ACC_LIST_1...)
    list_code_column: str = "text_1"
    list_name_column: str = "text_2"
    list_spare_column: str = ""  # empty: a list row that failed is sent again only when it changes
    vat_zone: str = ""  # the domestic zone, whose rates tax codes carry
    vat_scheme: str = "VAT"  # identifier scheme of VAT numbers there; empty: not sent
    org_scheme: str = ""  # of organisation numbers
    three_way: bool = True  # goods are matched against receipts
    units: Mapping[str, str] = field(default_factory=dict)  # the ledger's unit -> UN/ECE recommendation 20
    combinations: Literal["checked", "free"] = "checked"  # must a combination of segments exist in the ledger?
    # invoiceTypeCode there -> what it is; a code that is not here says nothing.
    invoice_types: Mapping[str, Literal["invoice", "credit"]] = field(default_factory=dict)
    term_valid_to: str = "9999-12-31"
    # Handing invoices on (visma_receives): by file to a mailbox, else by data over the network.
    mailbox: str = ""
    notify: str = ""
    buyer_name: str = ""
    buyer_endpoint: str = ""
    buyer_scheme: str = ""
    supplier_scheme: str = ""  # endpoint scheme of suppliers' organisation numbers
