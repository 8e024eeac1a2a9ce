"""Files that the ledger keeps on documents: read whole, by their id alone, from this company's own address."""

from __future__ import annotations

import re

from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.errors import NotFound, Rejected, UnknownOutcome, UsageError

MAX_FILE_BYTES = 20 * 1024 * 1024  # the vendor states none; no invoice is larger
ADDRESS = "/v1/attachment"
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def read(client: VismaClient, file_id: str, *, record: str) -> bytes:
    """The bytes of a file. `record` is who it belongs to, for people.

    NotFound: it was taken away. Rejected: too large, or an address elsewhere instead of the file, which is not called.
    """
    if not _ID.fullmatch(file_id):
        raise UsageError(f"{file_id[:40]!r} is no id of a file in Visma.", record=record)
    path = f"{ADDRESS}/{segment(file_id)}"
    where = f"GET {ADDRESS}/{{id}}"
    try:
        answer = client.call("GET", path, operation=where, headers={"Accept": "*/*"}, record=record)
    except UnknownOutcome:  # an answer that outgrew what is ever read; nothing was written
        raise _too_large(record) from None
    if answer.status == 202:
        raise Rejected("Visma did not answer with the file, but with a job.", record=record,
                       fix="Take the file from Visma by hand.")  # fmt: skip
    if len(answer.body) > MAX_FILE_BYTES:
        raise _too_large(record)
    if not answer.body:
        raise NotFound("The file in Visma is empty.", record=record, fix="Attach it again in Visma.")
    return answer.body


def _too_large(record: str) -> Rejected:
    return Rejected(
        f"The file of {record} is larger than {MAX_FILE_BYTES} bytes.",
        record=record,
        fix="Attach a smaller one in Visma, or hand the invoice on without it.",
    )
