"""Pretend WooCommerce shops as one thing: a request in, an answer out; control verbs; webhooks that are due."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.woocommerce import control, handover, hosting, rest, routes
from ml_connector_sandbox.woocommerce.faults import Refused
from ml_connector_sandbox.woocommerce.state import Store
from ml_connector_sandbox.woocommerce.times import micros
from ml_connector_sandbox.woocommerce.world import World


class WooCommerce:
    """Strict, stateful shops in memory, told apart by the folder they live in. `time_scale` stretches job delays."""

    name = "woocommerce"

    def __init__(self, seed: int = 0, time_scale: float = 1.0) -> None:
        self._seed, self._time_scale = seed, time_scale
        self.world = World(seed, time_scale)

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one request to whichever shop lives at its path."""
        now = self.world.tell(micros(at))
        store = self.world.at_path(request.path)
        if store is None:
            return hosting.page(404, "There is no shop at this address.")
        if not store.home:
            store.home = f"http://{request.host}{store.path}"
        before = hosting.in_front(store, request, now)
        if before is not None:
            return before
        try:
            response = self._inside(store, request, now)
        except Refused as refused:  # only those that a host would answer in HTML come here
            return hosting.page(refused.status, refused.message)
        return hosting.remember(store, request, response, now)

    def _inside(self, store: Store, request: Request, now: int) -> Response:
        path = request.path.removeprefix(store.path)
        if path.startswith("/wc-auth/") or "wc-auth-version=" in request.query:
            return handover.serve(self.world, store, request, now)
        route = hosting.rest_route(store, path, request.query)
        if route is None:
            return hosting.page(200 if path in ("", "/") else 404, f"{store.name}: a page for people.")
        return rest.serve(store, request, route, now)

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Run one control verb (see README.md). ValueError says what is wrong with it."""
        if verb == "reset":
            self.world = World(int(arguments.get("seed", self._seed)), self._time_scale)
            return {"reset": True}
        now = self.world.tell(micros(at))
        try:
            return control.run(self.world, verb, arguments, now)
        except Refused as refused:
            raise ValueError(f"{verb}: {refused}") from refused

    def operation(self, request: Request) -> str:
        """The endpoint's name for counting, such as `GET /wc/v3/orders/{id}`."""
        store = self.world.at_path(request.path)
        path = request.path.removeprefix(store.path) if store else request.path
        route = hosting.rest_route(store, path, request.query) if store else None
        if route is None:
            return f"{request.method} (page)"
        found, _ = routes.find(request.method, route.removeprefix(routes.BASE))
        shown = re.sub(r":\w\}", "}", found.path) if found else ""
        return f"{request.method} {routes.BASE}{shown}" if found else f"{request.method} {route}"

    def deliveries(self, at: datetime) -> list[Delivery]:
        """Take what is due: pings, key hand-overs, webhooks."""
        now = self.world.tell(micros(at))
        return [delivery for store in self.world.stores.values() for delivery in self.world.due(store, now)]

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """Note how an attempt ended. There is no second one."""
        self.world.ended(delivery.id, status, self.world.tell(micros(at)))
