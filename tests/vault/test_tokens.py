"""Tokens are renewed in time, by one thread, and a token server's bad minute is not ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.clock import HandClock
from ml_connector.errors import NotAuthorized, Transient
from ml_connector.vault.credentials import Secret
from ml_connector.vault.tokens import Token, TokenCache

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WAIT_S = 10


class TokenServer:
    """Gives out t1, t2, ... and notes how often it was asked; `failing` makes it raise instead."""

    def __init__(self, clock: HandClock, life_s: float | None = 3600) -> None:
        self.asked = 0
        self.failing: Exception | None = None
        self._clock = clock
        self._life_s = life_s

    def __call__(self) -> Token:
        self.asked += 1
        if self.failing is not None:
            raise self.failing
        life = None if self._life_s is None else self._clock.now() + timedelta(seconds=self._life_s)
        return Token(Secret(f"t{self.asked}"), life)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def cache(clock: HandClock) -> TokenCache:
    return TokenCache(clock)


@pytest.mark.parametrize(
    ("life_s", "last_kept_s", "renewed_s"),
    [
        (3600, 2879, 2880),  # at 80 % of an hour
        (240, 179, 180),  # a minute before the end comes first
        (60, 29, 30),  # a life of a minute is used half, not renewed at each call
    ],
)
def test_a_token_is_renewed_in_time(clock: HandClock, life_s: int, last_kept_s: int, renewed_s: int) -> None:
    cache, server = TokenCache(clock), TokenServer(clock, life_s)
    cache.get("c1", server)
    clock.advance(last_kept_s)
    assert cache.get("c1", server).reveal() == "t1"
    clock.advance(renewed_s - last_kept_s)
    assert cache.get("c1", server).reveal() == "t2"


def test_a_token_without_an_end_is_kept(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock, None)
    cache.get("c1", server)
    clock.advance(10**9)
    assert cache.get("c1", server).reveal() == "t1"


def test_connections_do_not_share_tokens(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock)
    assert cache.get(("w1", "c1"), server).reveal() == "t1"
    assert cache.get(("w2", "c1"), server).reveal() == "t2"


def test_while_the_old_token_serves_a_passing_failure_is_waited_out(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock)
    cache.get("c1", server)
    clock.advance(3000)
    server.failing = Transient("busy")
    assert [cache.get("c1", server).reveal() for _ in range(5)] == ["t1"] * 5
    assert server.asked == 2, "after a failure the server is left alone for a while"
    clock.advance(15)
    server.failing = None
    assert cache.get("c1", server).reveal() == "t3"


def test_an_expired_token_is_never_given_out(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock)
    cache.get("c1", server)
    clock.advance(3600)
    server.failing = Transient("busy")
    with pytest.raises(Transient):
        cache.get("c1", server)


def test_a_refusal_is_raised_even_while_the_old_token_serves(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock)
    cache.get("c1", server)
    clock.advance(3000)
    server.failing = NotAuthorized("the secret was withdrawn")
    with pytest.raises(NotAuthorized):
        cache.get("c1", server)


def test_a_refused_token_is_dropped_once_however_many_calls_were_refused(cache: TokenCache, clock: HandClock) -> None:
    server = TokenServer(clock)
    refused = cache.get("c1", server)
    for _ in range(3):
        cache.forget("c1", refused)
        cache.get("c1", server)
    assert server.asked == 2


def at_once(count: int, call: Callable[[], Secret], entered: threading.Event, may_end: threading.Event) -> list[object]:
    """Run `call` in `count` threads, all of them inside before the first may end; results or errors."""

    def outcome() -> object:
        try:
            return call().reveal()
        except Transient as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        first = pool.submit(outcome)
        assert entered.wait(WAIT_S)
        others = [pool.submit(outcome) for _ in range(count - 1)]
        may_end.set()
        return [future.result(WAIT_S) for future in [first, *others]]


def slow(server: TokenServer, entered: threading.Event, may_end: threading.Event) -> Callable[[], Token]:
    def obtain() -> Token:
        entered.set()
        assert may_end.wait(WAIT_S)
        return server()

    return obtain


def test_threads_that_need_a_token_together_ask_for_one(cache: TokenCache, clock: HandClock) -> None:
    server, entered, may_end = TokenServer(clock), threading.Event(), threading.Event()
    obtain = slow(server, entered, may_end)
    results = at_once(12, lambda: cache.get("c1", obtain), entered, may_end)
    assert results == ["t1"] * 12
    assert server.asked == 1


def test_nobody_waits_for_a_renewal_while_the_old_token_serves(cache: TokenCache, clock: HandClock) -> None:
    server, entered, may_end = TokenServer(clock), threading.Event(), threading.Event()
    cache.get("c1", server)
    clock.advance(3000)
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(cache.get, "c1", slow(server, entered, may_end))
        assert entered.wait(WAIT_S)
        assert cache.get("c1", server).reveal() == "t1"
        may_end.set()
        assert renewing.result(WAIT_S).reveal() == "t2"


def test_an_interrupted_renewal_leaves_no_lock_behind(cache: TokenCache, clock: HandClock) -> None:
    def interrupted() -> Token:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get("c1", interrupted)
    assert cache.get("c1", TokenServer(clock)).reveal() == "t1"


def test_who_waited_for_an_interrupted_renewal_does_not_get_the_expired_token(
    cache: TokenCache, clock: HandClock
) -> None:
    entered, may_end = threading.Event(), threading.Event()

    def interrupted() -> Token:
        entered.set()
        assert may_end.wait(WAIT_S)
        raise KeyboardInterrupt

    cache.get("c1", TokenServer(clock))
    clock.advance(3601)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get, "c1", interrupted)
        assert entered.wait(WAIT_S)
        others = [pool.submit(cache.get, "c1", lambda: Token(Secret("fresh"), None)) for _ in range(3)]
        may_end.set()
        assert isinstance(first.exception(WAIT_S), KeyboardInterrupt)
    # Who waited is told to try again; who came a moment later obtained one.
    for other in others:
        assert isinstance(other.exception(), Transient) or other.result().reveal() == "fresh"


def test_a_naive_expiry_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Token(Secret("t"), datetime(2026, 11, 21, 12))  # noqa: DTZ001  the very thing that is refused
