"""`python -m bench [--quick] [NAME ...]`: every benchmark in a process of its own, in one table. Judges nothing.

A process of its own: what one leaves in memory is not counted to the next, and one that hangs is ended.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bench import machine
from bench.figures import Figure, figure_of, table

NAMES = (
    "planning",
    "visma_calls",
    "other_planning",
    "other_calls",
    "directories",
    "other_webhooks",
    "collecting",
    "purchasing",
    "end_to_end",
    "workers",
    "webhooks",
    "backfill",
)
WHOLE_S = 720  # of all together


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; none: all")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: shows that it runs, measures little")
    parser.add_argument("--size", type=int, help="how many records, instead of each benchmark's own number")
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    names = chosen.names or list(NAMES)
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    if chosen.inside is not None:
        figures = _module(names[0]).run(_size(names[0], quick=chosen.quick, size=chosen.size))
        chosen.inside.write_text(json.dumps([one.encoded() for one in figures]), encoding="utf-8")
        return
    _run_all(names, quick=chosen.quick, size=chosen.size, file=chosen.json)


def _run_all(names: Sequence[str], *, quick: bool, size: int | None, file: Path | None) -> None:
    _say(f"{machine.described()}\n")
    began, found = time.monotonic(), {}
    for name in names:
        left_s = min(_module(name).LONGEST_S, WHOLE_S - (time.monotonic() - began))
        most_s = left_s if size is None else None  # a size of one's own takes what it takes
        figures, seconds = _apart(name, quick=quick, size=size, most_s=most_s)
        _say(f"{table(_module(name).TITLE, figures)}\n  ({seconds:.0f} s)\n")
        found[name] = [one.encoded() for one in figures]
    if file is not None:
        file.write_text(json.dumps({"machine": machine.described(), "figures": found}, indent=1), encoding="utf-8")


def _apart(name: str, *, quick: bool, size: int | None, most_s: float | None) -> tuple[list[Figure], float]:
    """The figures of one benchmark, run in its own process and ended when it takes too long; how long it took."""
    began = time.monotonic()
    if most_s is not None and most_s <= 0:
        return [Figure("not run: the time of all together was used up", 0, "", 1)], 0.0
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "bench", name, "--inside", str(answer)]
        command += ["--quick"] if quick else []
        command += ["--size", str(size)] if size else []
        try:
            code = subprocess.run(command, timeout=most_s, check=False).returncode
        except subprocess.TimeoutExpired:
            return [Figure(f"not finished within {most_s:.0f} s", 0, "", 1)], time.monotonic() - began
        if code or not answer.exists():
            return [Figure(f"failed with exit code {code}", 0, "", 1)], time.monotonic() - began
        figures = [figure_of(one) for one in json.loads(answer.read_text(encoding="utf-8"))]
        return figures, time.monotonic() - began


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"bench.{name}")


def _size(name: str, *, quick: bool, size: int | None) -> int:
    module = _module(name)
    return size or (module.QUICK if quick else module.SIZE)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
