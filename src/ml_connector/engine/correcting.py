"""What is in the books already, against what is planned now: what differs is taken back before it is booked anew."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ml_connector.engine import reversing
from ml_connector.engine.references import refers_to
from ml_connector.finance.encoding import decode_content, encode_write, hash_of
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Content, Finding, Plan
from ml_connector.store import writes
from ml_connector.store.database import Connection
from ml_connector.store.writes import Write

CORRECTION = "correction"
TAKE_BACK = "take back"  # the decision that what is posted is not to be booked at all
LEAVE = "leave:"  # the decision that one change, named by a hash, is left out of the books: "leave:{hash}:{why}"


@dataclass(frozen=True, slots=True)
class Booked:
    """What a record has booked, by key, as its flow is told.

    What was taken back to be corrected counts until it is booked anew: a correction keeps the day and the form of what
    it corrects. So does master data that makes room for its newer self. `whole`: all of it stands, and nothing
    is on its way.
    """

    contents: Mapping[str, Content] = field(default_factory=dict)
    whole: bool = False


@dataclass(slots=True)
class InBooks:
    """Writes of one trip in the ledger (less what is updated in place, and mere words), and on their way there."""

    standing: list[Write] = field(default_factory=list)
    sealed: list[Write] = field(default_factory=list)


def booked(c: Connection, trip_ids: Sequence[str]) -> dict[str, Booked]:
    """What trips have booked. What is done is done, even where a record has stopped half-way."""
    by_trip: dict[str, list[Write]] = {}
    for write in writes.of_trips(c, trip_ids, states=("open", "sealed", "done", "reversed")):
        by_trip.setdefault(write.trip_id, []).append(write)
    return {trip_id: _booked(several) for trip_id, several in by_trip.items()}


def _booked(several: Sequence[Write]) -> Booked:
    done = [write for write in several if write.state == "done" and write.reverses_id]
    corrected = {write.reverses_id for write in done if reversing.purpose_of(write) == reversing.CORRECTING}
    contents: dict[str, Content] = {}
    whole = all(write.state not in ("open", "sealed") for write in several)
    originals = [write for write in several if not write.reverses_id and write.state in ("done", "reversed")]
    for write in sorted(originals, key=lambda write: write.revision):
        contents.pop(write.key, None)
        if write.state == "done" or write.id in corrected or KINDS[write.kind].updated:
            contents[write.key] = decode_content(write.kind, json.loads(write.content)["content"])
    standing = {write.key for write in originals if write.state == "done"}
    return Booked(contents, whole and bool(contents) and standing >= contents.keys())


def in_books(c: Connection, trip_ids: Sequence[str]) -> dict[str, InBooks]:
    """What stands for these trips and what is on its way, in plan order."""
    found: dict[str, InBooks] = {}
    for write in writes.of_trips(c, trip_ids, states=("sealed", "done")):
        if write.reverses_id is None and not (KINDS[write.kind].updated or KINDS[write.kind].told):
            mine = found.setdefault(write.trip_id, InBooks())
            (mine.standing if write.state == "done" else mine.sealed).append(write)
    return found


def unlike(several: Sequence[Write], hashes: Mapping[str, str]) -> list[Write]:
    """Those that the plan names with another content, or does not name any more."""
    return [write for write in several if hashes.get(write.key) != write.hash]


def without_ground(several: Sequence[Write], live: Mapping[str, Write], leaving: Collection[str]) -> list[Write]:
    """Those put against a document that is being taken back: it cannot be, while they stand. `leaving`: ids.

    What was put against an invoice goes with its payment, before or after.
    """
    return [
        write
        for write in several
        if any(
            base.id in leaving if (base := live.get(key)) is not None else write.kind == "payment_application"
            for key in refers_to(write)
        )
    ]


def take_back_hash(reason: str) -> str:
    """The name of the change that nothing is to be booked any more, for this reason."""
    return hash_of([TAKE_BACK, reason])


def left_alone(decision: str, change: str) -> str | None:
    """Why a person leaves this very change out of the books; None when nobody said so. Another change is asked anew."""
    named, _, why = decision.removeprefix(LEAVE).partition(":")
    return f"A person left the posting as it is: {why}" if decision.startswith(LEAVE) and named == change else None


def question(plan: Plan, wrong: Sequence[Write], taken: Sequence[Write], *, accept: str) -> Finding:
    """Asks a person to accept a correction: what is posted with other content, and what else goes with it."""
    now = {write.key: encode_write(write)["content"] for write in plan.writes}
    parts = [
        f"{one.key} is posted as {one.number} "
        + ("with other content than the record gives now" if one.key in now else "and is not to be booked any more")
        for one in wrong
    ]
    with_it = [f"{one.key} ({one.number})" for one in taken if one.id not in {old.id for old in wrong}]
    also = f" {', '.join(with_it)} is put against it and goes with it." if with_it else ""
    changes = [{"key": one.key, "posted": json.loads(one.content)["content"], "now": now.get(one.key)} for one in wrong]
    proposal = {
        "accept": accept,
        "change": accept,
        "posted": changes[0]["posted"],
        "now": changes[0]["now"],
        "changes": changes,
        "takes_back": [one.key for one in taken],
    }
    sentence = (
        f"{'; '.join(parts)}.{also} Accept the correction (reversal and a new posting of what is still to be booked) "
        "or ignore this change; the next one is asked about again."
    )
    return Finding(CORRECTION, sentence, field=wrong[0].key, proposal=proposal)


def take_back_question(standing: Sequence[Write], reason: str) -> Finding:
    """Asks whether what is posted is to be taken back, because nothing is to be booked any more."""
    numbers = ", ".join(write.number or write.key for write in standing)
    sentence = (
        f"It is posted as {numbers}, and is not to be booked any more: {reason}. "
        "Accept to take the posting back, or ignore the change."
    )
    return Finding(CORRECTION, sentence, proposal={"accept": TAKE_BACK, "change": take_back_hash(reason)})
