"""Square's calls in Square's words: version pinned, paced, tokens renewed once, errors told in ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from urllib.parse import quote

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.square.faults import CursorLost, code_of, errors_of, judged
from ml_connector.connectors.square.pacing import Pacer
from ml_connector.errors import NotFound, Rejected, Transient, UnknownOutcome

VERSION = "2025-08-20"  # of the description this client was written against; a subscription's events get the same
FAR_BACK = datetime(2009, 1, 1, tzinfo=UTC)  # before Square existed; begin_time would otherwise default to a year ago
MAX_PAGES = 200  # of one walk inside one call of ours
NO_ERRORS: frozenset[str] = frozenset()


class FeatureOff(Exception):
    """Square refuses a beta feature (vendors, events) to this seller."""


Row = dict[str, Any]
Rows = tuple[list[Row], str | None]
"""Rows of one page, and the cursor of the next."""


class AccessTokens(Protocol):
    """Whoever keeps the access token: one thread renews it, the others wait."""

    def current(self) -> str: ...
    def renew(self, refused: str) -> str:
        """A token other than the one just refused. Raises NotAuthorized when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """A window of a listing: rows whose `field` lies in [begin, end], oldest first."""

    field: Literal["updated_at", "created_at"]
    begin: datetime
    end: datetime
    locations: tuple[str, ...] = ()
    offline: bool = False
    also_updated_since: datetime | None = None  # customers alone: they sort by creation and filter by both
    cursor: str | None = None


class SquareClient:
    """Calls to one merchant's Square with one token. Thread-safe."""

    def __init__(self, http: Http, tokens: AccessTokens, pacer: Pacer) -> None:
        self._http = http
        self._tokens = tokens
        self._pacer = pacer

    def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        content: Any = None,
        allowing: frozenset[str] = NO_ERRORS,
        beta: bool = False,
        paging: bool = False,
    ) -> dict[str, Any]:
        """One call, and a second one with a renewed token where the first was refused for an expired one.

        Raises what faults.judged raises, and FeatureOff where a `beta` call is refused with 403 or 404. Every POST
        made here is a search or carries an idempotency key: nothing that it does is done twice, so a lost answer is
        Transient.
        """
        token = self._tokens.current()
        answer = self._send(method, path, operation=operation, params=params, content=content, token=token)
        if answer.status == 401 and code_of(answer) != "ACCESS_TOKEN_REVOKED":
            renewed = self._tokens.renew(token)
            answer = self._send(method, path, operation=operation, params=params, content=content, token=renewed)
        if beta and answer.status in {403, 404}:
            raise FeatureOff(path)
        return judged(answer, f"{method} {path}", allowing=allowing, paging=paging)

    def _send(
        self, method: str, path: str, *, operation: str, params: Mapping[str, str] | None, content: Any, token: str
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Square-Version": VERSION, "Content-Type": "application/json"}
        try:
            with self._pacer.turn():
                return self._http.send(
                    method, path, operation=operation, params=params, headers=headers, content=content
                )
        except UnknownOutcome as lost:
            raise Transient(lost.what, record=lost.record) from None

    # ------------------------------------------------------------------------------------------ one record

    def one(self, path: str, key: str, id_: str) -> Row | None:
        """GET one object; None when Square has none of that id."""
        try:
            body = self.call("GET", f"{path}/{quote(id_, safe='')}", operation=f"GET {path}/{{id}}")
        except NotFound:
            return None
        found = body.get(key)
        if not isinstance(found, dict):
            raise Transient(f"Square's answer to GET {path} holds no {key}.", record=id_)
        return found

    # ------------------------------------------------------------------------------------------ listings

    def payments(self, query: Query) -> Rows:
        """One page.

        Without a location Square would give the main one only; offline payments may be hidden by default.
        """
        params = {**_times(query), "sort_field": query.field.upper(), "sort_order": "ASC", "limit": "100"}
        params["location_id"] = query.locations[0]
        if query.offline:
            params["is_offline_payment"] = "true"
        return self._listed("/v2/payments", "payments", params, cursor=query.cursor)

    def refunds(self, query: Query) -> Rows:
        """One page, of all locations."""
        params = {**_times(query), "sort_field": query.field.upper(), "sort_order": "ASC", "limit": "100"}
        return self._listed("/v2/refunds", "refunds", params, cursor=query.cursor)

    def payouts(self, query: Query) -> Rows:
        """One page, by creation: Square has no filter on changes of payouts."""
        params = {
            "location_id": query.locations[0],
            "begin_time": wire(query.begin),
            "end_time": wire(query.end),
            "sort_order": "ASC",
            "limit": "100",
        }
        return self._listed("/v2/payouts", "payouts", params, cursor=query.cursor)

    def payout_entries(self, payout_id: str) -> list[Row]:
        """All entries of a payout."""
        path = f"/v2/payouts/{quote(payout_id, safe='')}/payout-entries"

        def page(cursor: str | None) -> Rows:
            params = {"limit": "100", "sort_order": "ASC"}
            return self._listed(
                path, "payout_entries", params, cursor=cursor, operation="GET /v2/payouts/{id}/payout-entries"
            )

        return every(page, what=f"entries of payout {payout_id}")

    def disputes(self, cursor: str | None) -> Rows:
        """One page, of all states and locations."""
        return self._listed("/v2/disputes", "disputes", {}, cursor=cursor)

    def locations(self) -> list[Row]:
        """All of them, inactive ones too: refunds and payouts still come to those."""
        return rows_of(self.call("GET", "/v2/locations", operation="GET /v2/locations"), "locations")

    def orders(self, query: Query) -> Rows:
        """One page, of up to ten locations."""
        window = {"start_at": wire(query.begin), "end_at": wire(query.end)}
        content = {
            "location_ids": list(query.locations),
            "limit": 500,
            "query": {
                "filter": {"date_time_filter": {query.field: window}},
                "sort": {"sort_field": query.field.upper(), "sort_order": "ASC"},
            },
        }
        return self._searched("/v2/orders/search", "orders", content, cursor=query.cursor)

    def customers(self, query: Query) -> Rows:
        """One page, oldest customer first.

        Square sorts by creation alone, and filters by creation and change at once.
        """
        filters: Row = {"created_at": {"start_at": wire(query.begin)}}
        if query.also_updated_since is not None:
            filters["updated_at"] = {"start_at": wire(query.also_updated_since), "end_at": wire(query.end)}
        content = {"limit": 100, "query": {"filter": filters, "sort": {"field": "CREATED_AT", "order": "ASC"}}}
        return self._searched("/v2/customers/search", "customers", content, cursor=query.cursor)

    def vendors(self, cursor: str | None) -> Rows:
        """One page. Here filter and sort stand at the root and there is no limit."""
        content = {
            "filter": {"status": ["ACTIVE", "INACTIVE"]},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        }
        return self._searched("/v2/vendors/search", "vendors", content, cursor=cursor, beta=True)

    def invoices(self, location: str, cursor: str | None) -> Rows:
        """One page of a location's invoices, newest first. Square filters them by location and customer only."""
        content = {
            "query": {
                "filter": {"location_ids": [location]},
                "sort": {"field": "INVOICE_SORT_DATE", "order": "DESC"},
            },
            "limit": 200,
        }
        return self._searched("/v2/invoices/search", "invoices", content, cursor=cursor)

    def events(self, query: Query, *, merchant: str, types: Sequence[str]) -> Rows:
        """One page of the events of a merchant. Needs a personal access token and events enabled."""
        content = {
            "limit": 100,
            "query": {
                "filter": {
                    "event_types": list(types),
                    "merchant_ids": [merchant],
                    "created_at": {"start_at": wire(query.begin), "end_at": wire(query.end)},
                },
                "sort": {"field": "DEFAULT", "order": "ASC"},
            },
        }
        return self._searched("/v2/events", "events", content, cursor=query.cursor, beta=True)

    def enable_events(self) -> None:
        """Make events searchable from now on; those before are not."""
        self.call("PUT", "/v2/events/enable", operation="PUT /v2/events/enable", content={}, beta=True)

    # ------------------------------------------------------------------------------------------ several by id

    def orders_by_id(self, ids: Sequence[str]) -> dict[str, Row]:
        """Up to 100 orders. Ids that Square does not know are left out of its answer without a word."""
        body = self.call(
            "POST",
            "/v2/orders/batch-retrieve",
            operation="POST /v2/orders/batch-retrieve",
            content={"order_ids": list(ids)},
            allowing=frozenset({"NOT_FOUND"}),
        )
        return {str(row.get("id")): row for row in rows_of(body, "orders")}

    def bulk(self, kind: Literal["customer", "vendor"], ids: Sequence[str]) -> dict[str, Row]:
        """Up to 100 customers or vendors; those that Square does not know are left out."""
        path = f"/v2/{kind}s/bulk-retrieve"
        body = self.call(
            "POST",
            path,
            operation=f"POST {path}",
            content={f"{kind}_ids": list(ids)},
            allowing=frozenset({"NOT_FOUND"}),
            beta=kind == "vendor",
        )
        answers = body.get("responses") or {}
        if not isinstance(answers, dict):
            raise Transient(f"Square's answer to POST {path} is not as described.", record=path)
        return {id_: row for id_, answer in answers.items() if (row := _of_bulk(answer, kind, path=path)) is not None}

    # ------------------------------------------------------------------------------------------ the catalogue

    def catalogue(self, ids: Sequence[str], *, paths: bool = False) -> tuple[list[Row], list[Row]]:
        """Up to 100 objects and those they name: a variation's item. `paths`: categories, with those above them.

        What was deleted is given where Square still has it; ids that it does not know are left out. Raises FeatureOff
        to whom Square does not show the catalogue.
        """
        path = "/v2/catalog/batch-retrieve"
        more = {"include_category_path_to_root": True} if paths else {"include_related_objects": True}
        content = {"object_ids": list(ids), "include_deleted_objects": not paths, **more}
        body = self.call(
            "POST", path, operation=f"POST {path}", content=content, allowing=frozenset({"NOT_FOUND"}), beta=True
        )
        return rows_of(body, "objects"), rows_of(body, "related_objects")

    def catalogue_changed(self, since: datetime) -> tuple[bool, str]:
        """Whether any article or category was changed or deleted after this moment, and Square's own mark of now."""
        path = "/v2/catalog/search"
        content = {
            "object_types": ["ITEM", "ITEM_VARIATION", "CATEGORY"],
            "include_deleted_objects": True,
            "begin_time": wire(since),
            "limit": 1,
        }
        body = self.call("POST", path, operation=f"POST {path}", content=content, beta=True)
        return bool(rows_of(body, "objects")), str(body.get("latest_time") or "")

    # ------------------------------------------------------------------------------------------ plumbing

    def _listed(
        self, path: str, key: str, params: Mapping[str, str], *, cursor: str | None, operation: str = ""
    ) -> Rows:
        asked = {**params, "cursor": cursor} if cursor else params
        body = self.call("GET", path, operation=operation or f"GET {path}", params=asked, paging=bool(cursor))
        return page_of(body, key)

    def _searched(self, path: str, key: str, content: Row, *, cursor: str | None, beta: bool = False) -> Rows:
        asked = {**content, "cursor": cursor} if cursor else content
        body = self.call("POST", path, operation=f"POST {path}", content=asked, beta=beta, paging=bool(cursor))
        return page_of(body, key)


def wire(moment: datetime) -> str:
    """A moment as Square takes it, cut to milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rows_of(body: Mapping[str, Any], key: str) -> list[Row]:
    """The rows under a key; none when the key is missing, as Square leaves out empty lists."""
    found = body.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Transient(f"Square's answer holds no list of objects under {key}.")
    return found


def page_of(body: Mapping[str, Any], key: str) -> Rows:
    """The rows of a page and the cursor of the next; absent, null and empty cursors are the end."""
    cursor = body.get("cursor")
    return rows_of(body, key), cursor if isinstance(cursor, str) and cursor else None


def every(page: Callable[[str | None], Rows], *, what: str, at_most: int = MAX_PAGES) -> list[Row]:
    """All rows of a walk that must be made in one go.

    A cursor that Square has forgotten starts it again, twice at most.

    The end is the missing cursor, never a short or empty page.
    """
    for _ in range(3):
        rows: list[Row] = []
        cursor: str | None = None
        try:
            for _ in range(at_most):
                found, cursor = page(cursor)
                rows += found
                if cursor is None:
                    return rows
        except CursorLost:
            continue
        raise Rejected(f"There are more than {at_most} pages of {what}.", fix="Report it: the limit must be raised.")
    raise Transient(f"Square forgot the page cursor three times while listing {what}.")


def _times(query: Query) -> dict[str, str]:
    """The window. With a range of changes `begin_time` goes far back: it would otherwise default to a year ago."""
    if query.field == "created_at":
        return {"begin_time": wire(query.begin), "end_time": wire(query.end)}
    return {
        "begin_time": wire(FAR_BACK),
        "updated_at_begin_time": wire(query.begin),
        "updated_at_end_time": wire(query.end),
    }


def _of_bulk(answer: object, kind: str, *, path: str) -> Row | None:
    """One row of a bulk answer; None when it says that there is none. Any other error there is raised."""
    if not isinstance(answer, dict):
        raise Transient(f"Square's answer to POST {path} is not as described.", record=path)
    row = answer.get(kind)
    if isinstance(row, dict):
        return row
    if all(error.get("code") == "NOT_FOUND" for error in errors_of(answer)):
        return None
    raise Transient(f"Square could not give every {kind} of POST {path}.", record=path)
