"""How long what was surely not done waits before it is tried again. Pure."""

from __future__ import annotations

_SEND_AGAIN_S = 3.0
_ASKED_SHARE = 1.05  # a little later than asked for: their clock is not ours
_READ_FIRST_S, _READ_MOST_S = 5.0, 900.0
_DOUBLINGS = 8  # 5 s doubled eight times is past the longest wait


def sending_wait_s(*, asked_s: float | None) -> float:
    """Seconds until a call that changes something is made again; what the other side asked for is the least."""
    return max(_SEND_AGAIN_S, (asked_s or 0.0) * _ASKED_SHARE)


def reading_wait_s(failures: int, *, asked_s: float | None) -> float:
    """Seconds until something is read again after `failures` failures before this one: twice as long each time.

    The first time it is just as long as the other side asked for, if it asked.
    """
    wait_s = min(_READ_MOST_S, _READ_FIRST_S * 2.0 ** min(failures, _DOUBLINGS))
    if asked_s is None:
        return wait_s
    return max(wait_s if failures else 0.0, asked_s)
