"""A terminal over an install in a folder of its own: run a command, see what it said and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ml_connector.cli.commands import run


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said and the code it ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON object and nothing else."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


Terminal = Callable[..., Ended]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Runs commands one after another over the same empty install."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLC_DATA_DIR", str(tmp_path / "data"))

    def say(*words: str, **variables: str) -> Ended:
        with monkeypatch.context() as during:
            for name, value in variables.items():
                during.setenv(name, value)
            code = run(words)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return say
