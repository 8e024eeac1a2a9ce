"""Master keys are read from a closed file or a variable, and a wrong one is said so without showing it."""

from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_connector.errors import ConfigurationError
from ml_connector.vault.keys import KeyRing, MasterKey, add_key, create_file, open_ring, parse_ring, read_file

ONE, TWO = MasterKey(1, b"1" * 32), MasterKey(2, b"2" * 32)


def test_the_highest_version_seals_whatever_the_order() -> None:
    expected = KeyRing((TWO, ONE))
    assert parse_ring(f"{TWO.written()},{ONE.written()}", source="test") == expected
    assert parse_ring(f" {ONE.written()}\n{TWO.written()}\n", source="test") == expected
    assert expected.newest == TWO
    assert expected.find(ONE.id) == ONE
    assert expected.find("v3-00000000") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least one key"),
        (base64.b64encode(b"1" * 32).decode(), "no version in front"),
        ("v0:" + base64.b64encode(b"1" * 32).decode(), "no version in front"),
        ("v1:" + base64.b64encode(b"CANARY" * 3).decode(), "v1 in the test is not 32 bytes"),
        ("v1:CANARY!", "v1 in the test is not 32 bytes"),
        (f"{ONE.written()},v1:{base64.b64encode(b'3' * 32).decode()}", "each version once"),
    ],
)
def test_a_wrong_key_is_refused_in_words_that_do_not_show_it(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        parse_ring(text, source="the test")
    shown = str(caught.value)
    assert "token_bytes(32)" in shown
    assert not text or text.rsplit(":", maxsplit=1)[-1] not in shown


def test_a_key_does_not_show_its_material() -> None:
    assert ONE.written().split(":")[1] not in repr(KeyRing((ONE,)))
    assert "1111" not in repr(ONE)


def test_a_new_key_file_is_closed_to_others_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    ring = open_ring(path, create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert open_ring(path, create=True) == ring
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: create_file(path), range(16)))
    assert {ring.newest.id for ring in rings} == {read_file(path).newest.id}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_key_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    create_file(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600"):
        open_ring(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_file(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        read_file(path)


def test_a_missing_key_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Restore the file from your backup"):
        open_ring(tmp_path / "master.key")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_file(path)
    assert open_ring(path, text=TWO.written()) == KeyRing((TWO,))


def test_adding_a_key_keeps_the_old_ones_and_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    first = create_file(path)
    second = add_key(path)
    assert second.newest.version == 2
    assert second.keys[1:] == first.keys
    assert read_file(path) == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("keys", [(), (ONE, TWO), (ONE, ONE)], ids=["none", "oldest first", "twice"])
def test_an_impossible_ring_cannot_be_built(keys: tuple[MasterKey, ...]) -> None:
    with pytest.raises(ValueError, match="newest first"):
        KeyRing(keys)
