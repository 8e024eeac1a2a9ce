"""A copied vendor goes on by itself: nothing that one of the two does later reaches the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.copying import copied


@dataclass(slots=True)
class Diary:
    """Something that plans by closing over itself."""

    written: list[str] = field(default_factory=list)
    planned: list[Callable[[], object]] = field(default_factory=list)
    friend: object = None

    def plan(self, what: str) -> None:
        self.planned.append(lambda: self.written.append(what))

    def plan_twice(self, what: str) -> None:
        def again(left: int = 2) -> None:
            self.written.append(what)
            if left > 1:
                again(left - 1)

        self.planned.append(again)

    def go_on(self) -> list[str]:
        for act in self.planned:
            act()
        return self.written


def test_what_a_copy_has_planned_happens_to_the_copy() -> None:
    first = Diary()
    first.plan("a")
    first.plan_twice("b")
    first.planned.append(partial(first.written.append, "c"))
    second = copied(first, instead={})
    assert second.go_on() == ["a", "b", "b", "c"]
    assert first.written == []
    assert first.go_on() == ["a", "b", "b", "c"]


def test_what_stands_for_another_is_not_copied() -> None:
    owner, other = object(), object()
    assert copied(Diary(friend=owner), instead={id(owner): other}).friend is other
