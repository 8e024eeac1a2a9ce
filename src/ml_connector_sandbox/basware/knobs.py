"""How the pretend Basware behaves where the real one is unknown, slow or unkind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Knobs:
    """The settings of the `knobs` verb, by name."""

    # the worker behind the 200
    delay_low_s: float = 2.0  # how long a request takes, times time_scale
    delay_high_s: float = 30.0
    status_lag_s: float = 1.0  # until requestStatus knows a request at all, times time_scale
    paused: bool = False  # nothing is finished while true
    expiry_s: float = 1.0  # a version followed by another within that time is RecordExpired
    lines_transaction: bool = True  # one bad line undoes the lines of its request
    coding_check: str = "warning"  # unknown account, cost centre, tax code, project of a coding: or "error", "off"
    warning_share: float = 0.0  # records that end in Warning although nothing is wrong
    # writing
    whole_batch: bool = True  # one record with a wrong field refuses the batch; false: the others are stored
    max_valid_to: str = "9999-12-31"
    post_arrays: str = "replace"  # what a POST does with receipts and codings left out: or "merge"
    patch_arrays: str = "merge"  # what a PATCH does with those it does not name: or "replace"
    patch_lock_s: float = 1.0  # a second PATCH of one line within that time is a 503
    conflict_in_flight: bool = False  # a POST of a record whose last version is not finished: 409
    # reading
    rows_per_page: int = 500  # coding rows on a page of documents
    tasks_per_page: int = 100
    redirects: str = "always"  # documents come by 302: or "never"
    token_on: str = "answer"  # the continuation token stands on the last answer: or "redirect"
    link_life_s: int = 900
    scheme: str = "http"  # of the addresses this server names itself by
    attachments: bool = True
    document_status: bool = False  # accountingDocuments/status; off it answers 404, as an unasked tenant's
    calls_per_minute: int = 0  # per tenant; above: 429. 0: no limit
    retry_after: str = "5"  # of that 429; empty: no header
    # documents
    reoffer_s: float = 0.0  # after success:false a user offers the document again so much later; 0: never by itself
    bumid_returns: bool = True  # whether a document carries the bumId it was sent in with
    network_status: int = 202
    # pushes
    signature: str = "hex"  # or "prefixed" (sha256=hex), "base64", "wrong", "none"
    signature_header: str = "x-bwapi-signature-256"
    connection_test: str = "deferred"  # or "inline" (during the call), "skip"
    connection_test_signed: bool = False
    duplicate_share: float = 0.05
    lost_share: float = 0.0
    retries: int = 0  # of a push that failed; the vendor promises none
    retry_s: float = 60.0
    misspelt_type: bool = False  # AccoutingDocuments, as in the vendor's own sample
    subscription_post: str = "add"  # or "replace" one of the same type and subtype


CHOICES = {
    "coding_check": ("warning", "error", "off"),
    "post_arrays": ("replace", "merge"),
    "patch_arrays": ("merge", "replace"),
    "redirects": ("always", "never"),
    "token_on": ("answer", "redirect"),
    "scheme": ("http", "https"),
    "signature": ("hex", "prefixed", "base64", "wrong", "none"),
    "connection_test": ("deferred", "inline", "skip"),
    "subscription_post": ("add", "replace"),
}
