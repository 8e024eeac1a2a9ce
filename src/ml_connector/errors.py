"""The error catalogue: few, flat, each one a decision for whoever catches it.

A class's docstring is its message in general; `what` says what happened this time. `docs/errors.md` is generated
from here.
"""

from __future__ import annotations

from collections.abc import Mapping


class ConnectorError(Exception):
    """Something in ml-connector could not be done."""

    code = "MLC-000"
    what_to_do = "Read the message; it names the record and the next step."

    def __init__(self, what: str, *, record: str | None = None, fix: str | None = None) -> None:
        """`what` happened, to which `record`, and how to `fix` it (default: what this class always advises)."""
        super().__init__(what)
        self.what = what
        self.record = record
        self.fix = fix or self.what_to_do

    def __str__(self) -> str:
        subject = f" [{self.record}]" if self.record else ""
        return f"{self.code}{subject} {self.what} {self.fix}"


class Transient(ConnectorError):
    """The other side could not answer now and surely did nothing; the same call may be made again later."""

    code = "MLC-101"
    what_to_do = "Nothing: it is tried again by itself."

    def __init__(
        self, what: str, *, record: str | None = None, fix: str | None = None, retry_after_s: float | None = None
    ) -> None:
        """`retry_after_s` is the wait the other side asked for, in seconds."""
        super().__init__(what, record=record, fix=fix)
        self.retry_after_s = retry_after_s


class RateLimited(Transient):
    """The other side's rate limit is used up; the call was not carried out."""

    code = "MLC-102"
    what_to_do = (
        "Nothing: work goes on when the window opens again. If it happens daily, choose a posting "
        "mode with fewer calls."
    )


class NotAuthorized(ConnectorError):
    """The other side refuses our credentials or our rights; the connection is paused until a person repairs it."""

    code = "MLC-201"
    what_to_do = "Renew the credentials or grant the missing right, then run `ml-connector ping`."


class NeedsApproval(NotAuthorized):
    """The customer has not approved this application for the company."""

    code = "MLC-202"
    what_to_do = (
        "Needs approval in Visma App Store: a user with the role Integration Administrator opens"
        " the app and approves its scopes."
    )


class Rejected(ConnectorError):
    """The other side understood the request and refused it; sending the same again will be refused again."""

    code = "MLC-301"
    what_to_do = "Read the reason, correct the rule or the record, then resolve the review item."

    def __init__(
        self, what: str, *, record: str | None = None, fix: str | None = None, rows: Mapping[str, str] | None = None
    ) -> None:
        """`rows`: which of several records sent at once are to blame, and why; none of them was taken."""
        super().__init__(what, record=record, fix=fix)
        self.rows = rows or {}


class NotFound(Rejected):
    """The other side has no such record."""

    code = "MLC-302"
    what_to_do = "Check the number; if it was removed at the source, ignore the record in the review queue."


class Conflict(ConnectorError):
    """The record changed between reading and writing; read it again and plan again."""

    code = "MLC-303"
    what_to_do = "Nothing the first times; if it persists, see who else writes this record."


class UnknownOutcome(ConnectorError):
    """The call was sent and nobody knows whether it was carried out.

    It must be looked for before it may be sent again.
    """

    code = "MLC-304"
    what_to_do = "Nothing: ml-connector looks for its own mark in the ledger before it does anything else."


class BadSignature(ConnectorError):
    """A webhook's signature is missing or wrong; it was refused with 401 and its body was not kept."""

    code = "MLC-401"
    what_to_do = "Check the signature key and the exact notification URL of the subscription."


class TooLarge(ConnectorError):
    """A body is larger than the limit for this door."""

    code = "MLC-402"
    what_to_do = "Send a smaller body; the limit is stated in docs/limits.md."


class Untranslatable(ConnectorError):
    """A payload cannot be read as the document it claims to be."""

    code = "MLC-501"
    what_to_do = "The record is held with its payload; report the field if the vendor changed its format."

    def __init__(self, what: str, *, field: str, record: str | None = None, fix: str | None = None) -> None:
        """`field` is the dotted path inside the payload."""
        super().__init__(what, record=record, fix=fix)
        self.field = field


class StorageUnavailable(ConnectorError):
    """The database cannot take the write now (locked, full, unreachable); nothing was accepted."""

    code = "MLC-601"
    what_to_do = "Free disk space or bring the database back; senders will deliver again and polling heals the gap."


class LeaseLost(ConnectorError):
    """Another worker has taken over this company; this one stopped before doing anything more."""

    code = "MLC-602"
    what_to_do = "Nothing: the other worker goes on. If it happens often, the machine or its clock is too slow."


class ChainBroken(ConnectorError):
    """The audit trail does not verify: an event was changed, removed or added outside ml-connector."""

    code = "MLC-603"
    what_to_do = "Stop posting, keep the database file, compare with the exported heads and restore from backup."


class SealBroken(ConnectorError):
    """A stored secret cannot be opened: it was changed, moved to another row, or its master key is not here."""

    code = "MLC-604"
    what_to_do = "Restore the master key it names, or enter the credential again."


class ConfigurationError(ConnectorError):
    """A setting is missing or wrong; ml-connector does not start with it."""

    code = "MLC-701"
    what_to_do = "Correct the named setting and start again."


class UsageError(ConnectorError):
    """What was asked for does not exist or is not allowed in this state."""

    code = "MLC-702"
    what_to_do = "Check the id and the state with `ml-connector trace`."


class HostRefused(ConnectorError):
    """An outgoing address is not on the list of hosts this connection may call."""

    code = "MLC-703"
    what_to_do = (
        "Use the vendor's host by https. A shop in a network of your own, or without https, is allowed on purpose with "
        "MLC_ALLOW_PRIVATE_HOSTS; a pretend vendor on this machine with MLC_ALLOW_INSECURE_HOSTS."
    )


def catalogue() -> list[type[ConnectorError]]:
    """Every error class, by code."""
    found: list[type[ConnectorError]] = []
    waiting = [ConnectorError]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(current.__subclasses__())
    return sorted(found[1:], key=lambda error: error.code)
