"""The web application: webhooks, consent, health, and whatever pages and interfaces are handed in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ml_connector.engine import doorkeeping
from ml_connector.engine.door_rows import doors_of
from ml_connector.engine.runtime import Runtime
from ml_connector.engine.works import Works
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web import consent, handover
from ml_connector.web.guard import Guard
from ml_connector.web.health import Health
from ml_connector.web.intake_keeper import Intake
from ml_connector.web.metrics import Seen
from ml_connector.web.webhooks import PREFIX, Hooks


def build_app(
    works: Works, writer: InboxWriter, *, ring: Callable[[Collection[str]], None], runtime: Runtime | None = None,
    intake: Intake | None = None, metrics_token: str | None = None, public_url: str | None = None,
    more: Sequence[BaseRoute] = (),
) -> ASGIApp:  # fmt: skip
    """The application over open works and a started writer; `more` are routes of pages and interfaces."""
    hooks = Hooks(doors_of(works), writer, ring, refused=partial(doorkeeping.keep_refusal, works))
    health = Health(Seen(works, hooks, writer, runtime, intake), metrics_token)
    routes: list[BaseRoute] = [
        Route("/oauth/{connector}/callback", partial(consent.callback, works), methods=["GET"]),
        *handover.routes(works),
        Route("/health", health.live, methods=["GET"]),
        Route("/ready", health.ready, methods=["GET"]),
        Route("/metrics", health.figures, methods=["GET"]),
        *more,
    ]
    https = bool(public_url and public_url.startswith("https:"))
    return _Front(hooks, Guard(Starlette(debug=False, routes=routes), https=https))


class _Front:
    """Deliveries on their short way, everything else on the long one."""

    def __init__(self, hooks: ASGIApp, rest: ASGIApp) -> None:
        self._hooks = hooks
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_delivery = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._hooks if is_delivery else self._rest)(scope, receive, send)
