"""The repository tells nobody where its packages came from or where it was written, and no merge is left half done."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Written with one letter in brackets, so that this file does not match itself.
PACKAGE_HOSTS = re.compile(
    r"pyp[i]\.org|pythonh[o]sted|registry\.np[m]js|npmj[s]\.org|deb\.d[e]bian|--(?:extra-)?inde[x]-url\s+\S"
    r"|^-[i] http|--fin[d]-links\s+\S|https?://[^ \"]*(?:registry|hosted)\.",
    re.IGNORECASE | re.MULTILINE,
)
MACHINE_PATHS = re.compile(r"(?:^|[\s\"'=:(`])/(?:w[o]rk|r[o]ot|h[o]me/\w+|Users/\w+|o[p]t/p\w+)(?:/|\b)", re.MULTILINE)
HALF_MERGED = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [PACKAGE_HOSTS, MACHINE_PATHS, HALF_MERGED], ids=["hosts", "paths", "merges"])
def test_no_tracked_file_names(pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0].strip()}" for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (PACKAGE_HOSTS, "-" + "i http://somewhere/simple"),
        (PACKAGE_HOSTS, "--index" + "-url https://x"),
        (PACKAGE_HOSTS, "https://" + "files.pythonh" + "osted.org/a.whl"),
        (MACHINE_PATHS, 'path = "/wo' + 'rk/main/x"'),
        (MACHINE_PATHS, "see /ro" + "ot/.venv"),
        (HALF_MERGED, "<" * 7 + " ours"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)
