"""Files on documents: one part of a multipart body; the same name again is a new revision."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, no_content
from ml_connector_sandbox.visma.company import Attachment, Company
from ml_connector_sandbox.visma.refusal import Refusal, not_found

SIZE_LIMIT = 20 * 1024 * 1024


def routes() -> list[Route]:
    """Reading a file back, and touching its metadata."""
    return [Route("GET", "/v1/attachment/{attachmentId}", _read), Route("PUT", "/v1/attachment/{attachmentId}", _touch)]


def attached(call: Call, files: list[str]) -> Attachment:
    """Keep the file of a multipart request and enter it into a document's list. Raises Refusal."""
    name, kind, content = _file(call.request.headers.get("content-type", ""), call.request.body)
    known, spoilt = call.company.attachments, call.company.preferences
    if spoilt.files_lost:
        spoilt.files_lost -= 1
        return Attachment(call.company.guid(), name, 1, content, kind)
    if spoilt.files_cut:
        spoilt.files_cut -= 1
        content = content[: len(content) // 2]
    for old in [file_id for file_id in files if known[file_id].name == name]:
        revision = known[old].revision + 1
        known[old] = Attachment(old, name, revision, content, kind)
        return known[old]
    attachment = Attachment(call.company.guid(), name, 1, content, kind)
    known[attachment.id] = attachment
    files.append(attachment.id)
    return attachment


def shown_files(company: Company, files: list[str]) -> list[dict[str, Any]]:
    """The files of a document as they are read."""
    return [
        {"name": file.name, "id": file.id, "revision": file.revision}
        for file in (company.attachments[i] for i in files)
    ]


def _file(content_type: str, body: bytes) -> tuple[str, str, bytes]:
    if not content_type.lower().startswith("multipart/form-data"):
        raise Refusal(400, "The file must be sent as multipart/form-data.")
    if len(body) > SIZE_LIMIT:
        raise Refusal(400, "The file is too large.")
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = list(message.iter_parts()) if message.is_multipart() else []
    name = parts[0].get_filename() if len(parts) == 1 else None
    if not name:
        raise Refusal(400, "Exactly one file part with a file name is expected.")
    content = parts[0].get_payload(decode=True)
    return name, parts[0].get_content_type(), content if isinstance(content, bytes) else b""


def _read(call: Call) -> Response:
    file = _find(call)
    return Response(200, file.content, (("Content-Type", file.content_type),))


def _touch(call: Call) -> Response:
    _find(call)
    return no_content()


def _find(call: Call) -> Attachment:
    file = call.company.attachments.get(call.values["attachmentId"])
    if file is None:
        raise not_found("Attachment", call.values["attachmentId"])
    return file
