"""An install from nothing to a posted sale by commands alone, on pretend vendors over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ml_connector.cli.stories.pretend import Vendor, vendors
from tests.cli.conftest import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Vendor]]:
    """Both vendors, and leave to call them."""
    (tmp_path / "vendors").mkdir()
    with vendors(tmp_path / "vendors") as found:
        monkeypatch.setenv("MLC_ALLOW_INSECURE_HOSTS", ",".join(one.url for one in found.values()))
        yield found


def shipped(name: str, folder: Path) -> str:
    (folder / name).write_text(files("ml_connector.cli").joinpath(name).read_text())
    return name


class Stay(urllib.request.HTTPRedirectHandler):
    """A browser that does not follow: where it was sent is what a person would copy."""

    def redirect_request(self, *_: Any) -> None:
        return None


def sell(outside: dict[str, Vendor], *, minutes_ago: int = 60) -> str:
    """A sale that happened before; the order's id. A reading looks back ten minutes behind the last one."""
    then = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(outside["square"].do("sell", at=then)["order_id"])


def good(ended: Any, *, code: int = 0) -> Any:
    assert ended.code == code, ended.out + ended.err
    return ended.json


def set_up(terminal: Terminal, outside: dict[str, Vendor], folder: Path) -> dict[str, Any]:
    visma, shop = outside["visma"], outside["square"]
    company = visma.do("seed_company", base_currency="EUR")
    places = [
        {"id": key, "name": key.title(), "timezone": "Europe/Oslo"} for key in ("LOSLO", "LSTOCKHOLM", "LGOTHENBURG")
    ]
    seller: dict[str, Any] = shop.do("seed_merchant", name="Shop", locations=places, currency="EUR")
    good(terminal("init", "--json"))
    good(
        terminal(
            "connect", "visma", "--tenant-id", company["tenant_id"], "--client-id", company["client_id"], "--base-url",
            visma.url, "--setting", f"token_url={visma.url}/connect/token", "--json",
            VISMA_CLIENT_SECRET=company["client_secret"],
        )
    )  # fmt: skip
    good(terminal("connect", "square", "--base-url", shop.url, "--json", SQUARE_ACCESS_TOKEN=seller["pat"]))
    assert good(terminal("ping", "visma", "--json"))["ok"]
    assert good(terminal("ping", "sq", "--json"))["account"] == seller["merchant_id"]
    go_live = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    added = good(terminal("company", "add", "Shop", "--connection", "visma", "--go-live", go_live, "--json"))
    assert added["base_currency"] == "EUR"
    route = good(terminal("route", "add", "--source", "sq", "--terms", shipped("demo_terms.toml", folder), "--json"))
    assert route["posting"] == "off"
    good(terminal("rules", "import", shipped("demo_rules.toml", folder), "--json"))
    return {**seller, "ledger": company}


def test_a_sale_goes_from_square_to_visma_by_commands(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    seller = set_up(terminal, outside, tmp_path)
    doctor = good(terminal("doctor", "--json"))
    assert {one["verdict"] for one in doctor["items"]} == {"ok", "asked"}
    order = sell(outside)

    read = good(terminal("read", "sq", "--json"))
    assert read["records"]["payment"] == {"received": 1}
    dry = good(terminal("dry-run", "--json"))
    (planned,) = [one for one in dry["records"] if one["kind"] == "payment"]
    assert planned["outcome"] == "planned"
    assert [sentence.partition(" decides ")[0] for sentence in dry["undecided"]] == ["Journal: Visma.net ERP"]
    assert good(terminal("post", "--json"))["posting_off"] == {"sq": 1}
    assert outside["visma"].do("books")["vouchers"] == []  # posting is off

    assert good(terminal("route", "posting", "on", "--json"))["from"] == "off"
    posted = good(terminal("post", "--json"))
    assert posted["records"]["payment"] == {"posted": 1}
    (voucher,) = outside["visma"].do("books")["vouchers"]
    (story,) = [one for one in good(terminal("trace", order, "--json"))["stories"] if one["trips"]]
    assert story["trips"][0]["plan_hash"] == planned["plan_hash"]
    assert [one["number"] for one in story["vouchers"]] == [voucher["number"]]
    assert good(terminal("census", "--json"))["documents"] == 1
    assert good(terminal("clearing", "--json"))["ok"]

    undone = good(terminal("undo", voucher["number"], "--yes", "--json"))
    assert len(undone["reversals"]) == 1
    good(terminal("post", "--json"))
    first, second = outside["visma"].do("books")["vouchers"]
    assert [line["debit"] for line in first["lines"]] == [line["credit"] for line in second["lines"]]
    assert good(terminal("audit", "verify", "--json"))["ok"]

    ledger = seller["ledger"]
    good(
        terminal(
            "connect", "visma", "--code", "again", "--tenant-id", ledger["tenant_id"], "--client-id",
            ledger["client_id"], "--base-url", outside["visma"].url, "--setting",
            f"token_url={outside['visma'].url}/connect/token", "--json", VISMA_CLIENT_SECRET=ledger["client_secret"],
        )
    )  # fmt: skip
    twice = good(terminal("company", "add", "Twice", "--connection", "again", "--json"), code=2)["error"]
    assert twice["what"].endswith("is connected already, as visma.")

    outside["square"].do("revoke_token", token=seller["pat"], only_this=True)
    (told,) = good(terminal("read", "--json"), code=4)["errors"]
    assert told.startswith("sq: MLC-201 ")
    assert good(terminal("workspaces", "--json"))["workspaces"][0]["paused"] == ["sq"]
    renewed = good(terminal("connect", "renew", "sq", "--json", SQUARE_ACCESS_TOKEN=seller["oauth_token"]))
    assert renewed["account"] == seller["merchant_id"]
    assert good(terminal("read", "--json"))["errors"] == []


def test_a_route_is_named_by_its_flow_and_posts_at_its_hours_or_when_a_person_says(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    set_up(terminal, outside, tmp_path)
    for name in ("square_to_visma", "square-to-visma", "sq"):
        assert good(terminal("route", "posting", "on", "--route", name, "--json"))["posting"] == "on"
    unknown = good(terminal("route", "posting", "on", "--route", "paypal-to-visma", "--json"), code=2)["error"]
    assert unknown["record"] == "paypal-to-visma"
    assert "square_to_visma from sq" in unknown["fix"]

    in_two_hours = (datetime.now(ZoneInfo("Europe/Oslo")) + timedelta(hours=2)).strftime("%H:%M")
    said = good(terminal("schedule", "post", "--route", "square-to-visma", "--at", in_two_hours, "--json"))["route"]
    assert (said["times"], said["is_on"], said["ready"]) == (f"at {in_two_hours}", False, 0)
    sell(outside)
    good(terminal("read", "--json"))
    (shown,) = good(terminal("schedule", "posting", "--json"))["routes"]
    assert shown["next_at"] == said["next_at"]
    assert f"at {in_two_hours}" in terminal("schedule", "posting").out
    posted = good(terminal("post", "--json"))
    assert posted["records"]["payment"] == {"posted": 1}
    assert len(outside["visma"].do("books")["vouchers"]) == 1
    for wrong in (("--at", "25:00"), ("--at", "02:00", "--always"), ("--every", "5s"), ("--quiet", "22"), ()):
        assert terminal("schedule", "post", *wrong, "--json").code == 2
    always = good(terminal("schedule", "post", "--always", "--json"))["route"]
    assert (always["times"], always["is_on"], always["next_at"]) == ("at once", True, None)

    (tmp_path / "batch.toml").write_text('mode = "batch"\nbatch_age_s = 7200\n')
    good(terminal("route", "terms", "set", str(tmp_path / "batch.toml"), "--json"))
    sell(outside, minutes_ago=3)
    good(terminal("read", "--json"))
    (waits,) = good(terminal("post", "--json"))["waits"]
    assert (waits["code"], waits["kind"], waits["number"]) == ("sq", "journal", 1)
    assert datetime.fromisoformat(waits["until"]) > datetime.now(UTC) + timedelta(hours=1)
    assert "1 journal of sq: sent together when there are enough, else " in terminal("post").out
    sent = good(terminal("post", "--now", "--json"))
    assert (sent["waits"], sent["records"]["payment"]) == ([], {"posted": 2})
    assert good(terminal("audit", "verify", "--json"))["ok"]


def test_a_new_shop_gets_a_dimension_of_its_own_by_commands(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    set_up(terminal, outside, tmp_path)
    good(terminal("route", "posting", "approve", "--json"))
    place = outside["square"].do("location", name="Bergen", timezone="Europe/Oslo")["location"]["id"]
    good(terminal("read", "sq", "--json"))
    good(terminal("post", "--json"), code=1)
    (seen,) = [one for one in good(terminal("places", "list", "--json"), code=1)["places"] if one["question"]]
    assert (seen["location"], seen["name"], seen["values"]) == (place, "Bergen", [])
    shown = terminal("review", "show", seen["question"]).out
    assert "`create` makes 40 Bergen in dimension 1 there" in shown
    assert "create:<[segment/]value=description>: make the value in the ledger first" in shown
    assert good(terminal("places", "create", place, "400", "--json"), code=2)["error"]["record"] == "1/400"
    good(terminal("places", "create", place, "45=Bergen sentrum", "--json"))
    (coming,) = [one for one in good(terminal("places", "list", "--json"))["places"] if one["location"] == place]
    assert coming["values"] == [[1, "45", "Bergen sentrum", "approved"]]
    (planned,) = [one for one in good(terminal("dry-run", "--json"))["records"] if one["writes"]]
    assert [write["key"] for write in planned["writes"]] == ["dim:1:45"]
    assert "dimension value: segment 1, value 45, description Bergen sentrum" in terminal("dry-run").out
    good(terminal("post", "--json"))
    (made,) = [one for one in good(terminal("places", "list", "--json"))["places"] if one["location"] == place]
    assert made["values"] == [[1, "45", "Bergen sentrum", "in use"]], "who approved it is not asked once more"
    assert "dim:1:45" in terminal("trace", place).out
    assert good(terminal("places", "close", "1/45", "--json"), code=2)["error"]["what"].startswith("Rules still")
    assert good(terminal("places", "close", "45", "--json"), code=2)["error"]["record"] == "45"
    again = good(terminal("places", "create", place, "46=Fjord", "--json"), code=2)["error"]
    assert "gives it a dimension already" in again["what"]
    assert good(terminal("places", "create", "nowhere", "46=Fjord", "--json"), code=2)["error"]["record"] == "nowhere"


def test_consent_is_posted_only_for_the_plan_that_was_seen(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    set_up(terminal, outside, tmp_path)
    good(terminal("route", "posting", "approve", "--json"))
    sell(outside)
    good(terminal("read", "--json"))
    good(terminal("post", "--json"), code=1)
    (item,) = good(terminal("review", "list", "--json"), code=1)["items"]
    assert item["code"] == "consent"
    assert item["about"].startswith("payment ")
    assert item["about"].endswith(", sq, Shop")
    listed = terminal("review", "list").out.splitlines()
    assert listed[2] == f"{item['id']}  consent", "an id stands whole in its line, to be copied"
    shown = good(terminal("review", "show", item["id"], "--json"))
    assert shown["answers"] == ["accept", "ignore"]
    (planned,) = shown["would_be_posted"]
    assert planned["plan_hash"] == item["proposal"]["plan_hash"], "what is shown is what is asked about"
    assert planned["journals"]
    assert "Clearing Square EUR" in terminal("review", "show", item["id"]).out
    assert outside["visma"].do("books")["vouchers"] == []
    good(terminal("review", "resolve", item["id"], "accept", "--json"))
    good(terminal("post", "--json"))
    assert len(outside["visma"].do("books")["vouchers"]) == 1
    sell(outside)
    sell(outside)
    good(terminal("read", "--since", (datetime.now(UTC) - timedelta(days=1)).date().isoformat(), "--json"))
    good(terminal("post", "--json"), code=1)
    assert good(terminal("review", "resolve-all", "consent", "accept", "--json"))["answered"] == 2
    good(terminal("post", "--json"))
    assert len(outside["visma"].do("books")["vouchers"]) == 3
    assert good(terminal("review", "resolve-all", "consent", "accept", "--json"))["answered"] == 0
    assert "No question of kind consent is open." in terminal("review", "resolve-all", "consent", "accept").out


def test_a_rule_that_names_a_missing_account_is_not_saved(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    set_up(terminal, outside, tmp_path)
    text = (tmp_path / "demo_rules.toml").read_text().replace('account = "3001"', 'account = "3301"')
    (tmp_path / "wrong.toml").write_text(text)
    checked = good(terminal("rules", "check", "wrong.toml", "--json"), code=1)
    assert [one["code"] for one in checked["findings"] if one["blocks"]] == ["account-unknown"]
    assert "3301" in good(terminal("rules", "import", "wrong.toml", "--json"), code=1)["error"]["what"]
    good(terminal("rules", "export", "now.csv", "--json"))
    assert good(terminal("rules", "check", "now.csv", "--json"))["ok"]
    sell(outside)
    good(terminal("read", "--json"))
    good(terminal("post", "--json"))
    (changed,) = good(terminal("rules", "what-if", "wrong.toml", "--json"))["changed"]
    assert (changed["now"]["outcome"], changed["then"]["outcome"]) == ("planned", "held")
    (tmp_path / "other.toml").write_text(text.replace('"3301"', '"3004"'))
    table = terminal("rules", "what-if", "other.toml").out
    assert "Cr 3001 100.00 EUR" in table, "what is booked now"
    assert "Cr 3004 100.00 EUR" in table, "what these rules would book"


def test_a_square_seller_is_connected_by_consent_and_read(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    public = "http://127.0.0.1:8080"
    shop = outside["square"]
    seller = shop.do("seed_merchant", name="Shop", currency="EUR", redirect_uri=f"{public}/oauth/square/callback")
    asked = good(
        terminal(
            "connect", "square", "--oauth", "--application-id", seller["application_id"], "--base-url", shop.url,
            "--json",
            SQUARE_APPLICATION_SECRET=seller["application_secret"], MLC_PUBLIC_URL=public,
        )
    )  # fmt: skip
    try:
        urllib.request.build_opener(Stay).open(asked["authorize_url"] + "&sandbox_consent=allow")
        raise AssertionError("Square sent the browser nowhere")
    except urllib.error.HTTPError as redirect:
        back = redirect.headers["location"]
    good(terminal("connect", "finish", "--json", OAUTH_RETURN_ADDRESS=back))
    assert good(terminal("ping", "sq", "--json"))["account"] == seller["merchant_id"]


def test_the_doctor_names_what_is_wrong_in_the_ledger_and_how_to_mend_it(
    terminal: Terminal, outside: dict[str, Vendor], tmp_path: Path
) -> None:
    set_up(terminal, outside, tmp_path)
    outside["visma"].do("deactivate_account", number="3001")
    outside["visma"].do("close_period", period=datetime.now(UTC).strftime("%Y%m"))
    found = good(terminal("doctor", "--json"), code=1)
    wrong = {one["item"]: one for one in found["items"] if one["verdict"] == "wrong"}
    assert set(wrong) == {"period", "rules of sq"}
    assert "3001" in wrong["rules of sq"]["sentence"]
    assert all(one["fix"] for one in wrong.values())
