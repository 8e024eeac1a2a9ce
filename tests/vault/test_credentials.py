"""A sealed secret opens in its own row, under its own key, unchanged; nowhere else and not by looking."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.errors import SealBroken
from ml_connector.vault.credentials import Secret, open_sealed, reseal, seal
from ml_connector.vault.encryption import Sealed
from ml_connector.vault.keys import KeyRing, MasterKey

OLD = MasterKey(1, bytes(range(32)))
NEW = MasterKey(2, bytes(range(32, 64)))
RING = KeyRing((OLD,))
ROW = ("w1", "connection:c1", "client_secret", 1)
CANARY = "sq0csp-CANARY-5b1f"


def sealed(text: str = CANARY, ring: KeyRing = RING) -> Sealed:
    return seal(ring, text, workspace="w1", owner="connection:c1", field="client_secret", n=1)


def opened(kept: Sealed, ring: KeyRing = RING, place: tuple[str, str, str, int] = ROW) -> str:
    workspace, owner, field, n = place
    return open_sealed(ring, kept, workspace=workspace, owner=owner, field=field, n=n).reveal()


@given(st.text(), st.text(), st.text(), st.text(), st.integers(0, 10**9))
def test_every_text_comes_back_as_it_was(text: str, workspace: str, owner: str, field: str, n: int) -> None:
    kept = seal(RING, text, workspace=workspace, owner=owner, field=field, n=n)
    assert open_sealed(RING, kept, workspace=workspace, owner=owner, field=field, n=n).reveal() == text


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("w2", "connection:c1", "client_secret", 1),
        ("w1", "connection:c2", "client_secret", 1),
        ("w1", "connection:c1", "webhook_key", 1),
        ("w1", "connection:c1", "client_secret", 2),
    ],
    ids=["workspace", "owner", "field", "n"],
)
def test_a_ciphertext_moved_to_another_row_does_not_open(elsewhere: tuple[str, str, str, int]) -> None:
    with pytest.raises(SealBroken, match="changed or moved"):
        opened(sealed(), place=elsewhere)


def test_parts_of_a_place_cannot_be_split_differently() -> None:
    kept = seal(RING, CANARY, workspace="w", owner="1/a", field="b", n=1)
    with pytest.raises(SealBroken):
        opened(kept, place=("w/1", "a", "b", 1))


def test_another_key_of_the_same_number_is_named_as_missing() -> None:
    other = KeyRing((MasterKey(1, b"x" * 32),))
    with pytest.raises(SealBroken, match=rf"sealed with master key {OLD.id}; held are {other.newest.id}"):
        opened(sealed(), other)


def test_a_row_that_claims_another_of_our_keys_does_not_open() -> None:
    ring = KeyRing((NEW, OLD))
    with pytest.raises(SealBroken):
        opened(replace(sealed(), key_id=NEW.id), ring)


@given(st.integers(0, 8 * (len(CANARY) + 16) - 1))
def test_one_flipped_bit_is_noticed(position: int) -> None:
    kept = sealed()
    changed = bytearray(kept.ciphertext)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(SealBroken):
        opened(replace(kept, ciphertext=bytes(changed)))


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    assert sealed() != sealed()


def test_rotation_seals_under_the_newest_key_and_the_old_one_may_go() -> None:
    renewed = reseal(KeyRing((NEW, OLD)), sealed(), workspace="w1", owner="connection:c1", field="client_secret", n=1)
    assert renewed.key_id == NEW.id
    assert opened(renewed, KeyRing((NEW,))) == CANARY


def test_rotation_leaves_alone_what_is_under_the_newest_key() -> None:
    kept = sealed()
    assert reseal(RING, kept, workspace="w1", owner="connection:c1", field="client_secret", n=1) is kept


def test_rotation_does_not_repair_a_moved_ciphertext() -> None:
    with pytest.raises(SealBroken):
        reseal(KeyRing((NEW, OLD)), sealed(), workspace="w2", owner="connection:c1", field="client_secret", n=1)


def test_a_broken_seal_says_where_but_shows_nothing() -> None:
    with pytest.raises(SealBroken) as caught:
        opened(sealed(), place=("w1", "connection:c1", "client_secret", 7))
    assert "w1/connection:c1/client_secret/7" in str(caught.value)
    assert CANARY not in str(caught.value)


@dataclasses.dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [str, repr, "{}".format, "{:>40}".format, "{!r}".format, "%s".__mod__, lambda secret: f"{Holder(secret)}",
     lambda secret: str([secret]), lambda secret: str(dataclasses.asdict(Holder(secret)))],
)  # fmt: skip
def test_no_way_of_printing_shows_a_secret(shown: Callable[[Secret], str]) -> None:
    text = shown(Secret(CANARY))
    assert "***" in text
    assert CANARY not in text


def test_a_secret_refuses_json_and_pickle() -> None:
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(CANARY)})
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))


def test_a_logged_secret_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("token %s", Secret(CANARY))
    assert CANARY not in caplog.text


def test_secrets_compare_by_value_and_copies_are_the_same() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(CANARY)
    assert secret != Secret("another")
    assert secret != CANARY
    assert copy.deepcopy(secret) is secret
    with pytest.raises(TypeError):
        hash(secret)
