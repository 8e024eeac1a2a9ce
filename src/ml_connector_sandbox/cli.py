"""`ml-connector-sandbox`: starts the pretend vendors, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.server import bound_socket, run
from ml_connector_sandbox.vendors import VENDORS, build

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Pretend vendors for tests and demonstrations.")


@app.command()
def serve(
    visma_port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    square_port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    ready_file: Annotated[Path | None, typer.Option(help="Gets the line of base URLs once all vendors answer.")] = None,
    seed: int = 0,
    time_scale: float = 1.0,
    only: Annotated[list[str] | None, typer.Option(help="Start this vendor; may be said again. None: all.")] = None,
) -> None:
    """Start the pretend vendors and stay until stopped."""
    ports = {"visma": visma_port, "square": square_port}
    names = only or list(VENDORS)
    for name in names:
        if name not in VENDORS:
            raise typer.BadParameter(f"No pretend vendor is called {name!r}. There are: {', '.join(VENDORS)}.")
    _stop_on_signals()
    children: list[subprocess.Popen[str]] = []
    try:
        children.extend(_start(name, port=ports.get(name, 0), seed=seed, time_scale=time_scale) for name in names)
        line = json.dumps({name: _base_url(child, name) for name, child in zip(names, children, strict=True)})
        if ready_file is not None:
            _write_whole(ready_file, line)
        print(line, flush=True)
        _stay(children)
    except SystemExit:
        pass
    finally:
        _stop(children)


@app.command(name="serve-one", hidden=True)
def serve_one(
    name: str, port: int = 0, seed: int = 0, time_scale: float = 1.0, parent: Annotated[int, typer.Option()] = 0
) -> None:
    """Serve one vendor in this process; used by `serve`."""
    vendor = Faulty(build(name, seed=seed, time_scale=time_scale), seed=seed)
    sock = bound_socket(port)
    sock.listen(1024)  # from here on connections wait instead of being refused
    print(json.dumps({"url": f"http://127.0.0.1:{sock.getsockname()[1]}"}), flush=True)
    run(vendor, sock, parent or None)


def main() -> None:
    """Entry point of the command."""
    app()


def _start(name: str, *, port: int, seed: int, time_scale: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ml_connector_sandbox", "serve-one", name, "--port", str(port)]
    command += ["--seed", str(seed), "--time-scale", str(time_scale), "--parent", str(os.getpid())]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _base_url(child: subprocess.Popen[str], name: str) -> str:
    line = child.stdout.readline() if child.stdout is not None else ""
    if not line:
        raise typer.BadParameter(f"The pretend {name} did not start; its complaint stands above.")
    told: dict[str, Any] = json.loads(line)
    return str(told["url"])


def _write_whole(path: Path, line: str) -> None:
    draft = path.with_name(path.name + ".part")
    draft.write_text(line + "\n")
    draft.replace(path)  # a reader sees nothing or everything


def _stop_on_signals() -> None:
    def leave(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def _stay(children: list[subprocess.Popen[str]]) -> None:
    parent = os.getppid()
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
        if os.getppid() != parent:
            return


def _stop(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)
        if child.poll() is None:
            child.kill()
            child.wait()
