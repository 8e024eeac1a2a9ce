"""The pretend vendors of a story: started as processes of their own, asked over plain HTTP, ended for certain."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_connector.errors import ConfigurationError, Rejected

START_LIMIT_S = 20.0
END_LIMIT_S = 8.0
CALL_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Vendor:
    """One pretend vendor: its API at `url`, and the control door through which a story makes things happen."""

    name: str
    url: str

    def do(self, verb: str, **arguments: Any) -> Any:
        """One control verb. Raises Rejected with the sandbox's own words."""
        return self._ask("POST", "/_sandbox/control", {"verb": verb, **arguments})

    def fault(self, rule: Mapping[str, Any]) -> Any:
        """Let something go wrong."""
        return self._ask("POST", "/_sandbox/faults", rule)

    def calls(self) -> dict[str, int]:
        """API calls so far, by operation."""
        found: dict[str, int] = self._ask("GET", "/_sandbox/calls")
        return found

    def _ask(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, data=body, method=method)  # noqa: S310 - a loopback address
        try:
            with urllib.request.urlopen(request, timeout=CALL_LIMIT_S) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            raise Rejected(f"The pretend {self.name} refused: {refusal.read().decode()[:300]}", record=path) from None


@contextmanager
def vendors(
    folder: Path, *, names: Sequence[str] = ("visma", "square"), seed: int = 0, time_scale: float = 1.0
) -> Iterator[dict[str, Vendor]]:
    """These pretend vendors, for the length of a story. They end with it, and with this process if it dies."""
    with ExitStack() as running:
        started = [(name, *running.enter_context(_started(folder, name, seed, time_scale))) for name in names]
        yield {name: Vendor(name, _url(process, ready, name)) for name, process, ready in started}


@contextmanager
def _started(folder: Path, name: str, seed: int, time_scale: float) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """One vendor on its way, and the file that will tell its address."""
    ready = folder / f"{name}.json"
    command = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", name, "--ready-file", str(ready)]
    command += ["--seed", str(seed), "--time-scale", str(time_scale)]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield process, ready
        finally:
            process.terminate()
            try:
                process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _url(process: subprocess.Popen[bytes], ready: Path, name: str) -> str:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        if ready.exists():
            return str(json.loads(ready.read_text())[name])
        time.sleep(0.05)
    raise ConfigurationError(
        f"The pretend {name} did not start.", record=str(ready.parent), fix=f"Read {ready.with_suffix('.log')}."
    )
