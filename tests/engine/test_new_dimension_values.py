"""A place whose dimension the ledger lacks: made there once a person says so, exactly once, and booked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import approving, placing, preview, replaying, reviewing, ruling, setup
from ml_connector.engine.tracing import trace
from ml_connector.errors import UsageError
from ml_connector.store import setups
from ml_connector.store.reviews import ReviewItem
from tests.databases import Databases, inbox_beside, migrated
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import expect_settled, in_ledger, lines_in_ledger, query, questions
from tests.engine.world import World

SEGMENT = "/v1/dimension/SUBACCOUNT/1"


def opened(url: str, folder: Path) -> Iterator[World]:
    made = World(url, folder, inbox_url=inbox_beside(url))
    made.set_up()
    made.run()
    yield made
    made.close()


@pytest.fixture
def everywhere(database_url: str, tmp_path: Path) -> Iterator[World]:
    yield from opened(database_url, tmp_path)


@pytest.fixture
def world(sqlite_databases: Databases, tmp_path: Path) -> Iterator[World]:
    yield from opened(sqlite_databases.new(migrated), tmp_path)


def open_shop(world: World) -> str:
    """A new shop in Bergen has sold something; its id, once both are read."""
    place = str(world.do("location", name="Bergen", timezone="Europe/Oslo")["location"]["id"])
    world.sell(location_id=place, lines=[{"name": "Mug", "amount": 12_500, "tax": "25"}])
    world.pass_time(4_000, step=2_000)
    return place


def asked(world: World, code: str) -> list[ReviewItem]:
    return reviewing.open_items(world.works, world.workspace, code=code)


def about_the_place(world: World) -> ReviewItem:
    (item,) = [one for one in asked(world, "location-unmapped") if one.proposal.get("name")]
    return item


def answer(world: World, item: ReviewItem, text: str) -> str:
    told = reviewing.resolve(world.works, world.workspace, item.id, answer=text, by="Ann")
    world.pass_time(1_200, step=400)
    return told


def values(world: World) -> dict[str, tuple[str, bool]]:
    """The first segment in the pretend ledger."""
    rows = world.ledger("by_hand", method="GET", path=SEGMENT)["body"]["segmentValues"]
    return {row["valueId"]: (row["description"], row["active"]) for row in rows}


def puts(world: World) -> int:
    return world.works.lines.calls().get("PUT /v1/dimension/SUBACCOUNT/{id}", 0)


def sold_on(world: World, value: str) -> None:
    (voucher,) = in_ledger(world)
    on_sales = [line["segments"] for line in voucher["lines"] if line["account"] == "3001"]
    assert on_sales == [{"1": value, "2": "000"}]


def test_a_place_gets_a_dimension_of_its_own_when_a_person_says_so(everywhere: World) -> None:
    world = everywhere
    place = open_shop(world)
    assert "Bergen" not in str(values(world)), "nothing is made without a word"
    item = about_the_place(world)
    assert item.proposal["new_value"] == {"segment": 1, "value": "40", "description": "Bergen"}
    assert "create" in reviewing.answers_to(item)
    told = answer(world, item, "create")
    assert "40 Bergen in dimension 1 Department is made with the next drain" in told
    assert questions(world) == []
    assert values(world)["40"] == ("Bergen", True)
    assert puts(world) == 1
    sold_on(world, "40")
    expect_settled(world)
    assert ruling.terms_now(world.works, world.route_id).locations[place].time_zone == "Europe/Oslo"
    (story,) = [one for one in trace(world.works, world.workspace, place) if one.kind == "location"]
    whole = " ".join(one.told for one in story.moments)
    assert "Ann: create" in whole
    assert "dim:1:40" in whole
    assert "1/40" in str([one.remote_id for one in story.submissions])


def test_a_person_may_choose_another_value_and_the_question_of_a_sale_serves_as_well(world: World) -> None:
    open_shop(world)
    (item,) = [one for one in asked(world, "location-unmapped") if not one.proposal.get("name")]
    answer(world, item, "create:1/B7=Bergen sentrum")
    assert values(world)["B7"] == ("Bergen sentrum", True)
    sold_on(world, "B7")
    assert "Bergen" in {one.name for one in ruling.terms_now(world.works, world.route_id).locations.values()}
    expect_settled(world)


def test_what_cannot_be_made_is_refused_and_nothing_is_saved(world: World) -> None:
    item = world_with_question(world)
    before = ruling.terms_now(world.works, world.route_id)
    for text in (
        "create:400",
        "create:10=Bergen",
        "create:9/40",
        f"create:40={61 * 'x'}",
        "crate:40",
        "use:77",
        "use:90",
    ):
        with pytest.raises(UsageError):
            reviewing.resolve(world.works, world.workspace, item.id, answer=text, by="Ann")
    assert ruling.terms_now(world.works, world.route_id) == before
    assert about_the_place(world).id == item.id
    answer(world, item, "use:10")
    assert (questions(world), puts(world)) == ([], 0)
    sold_on(world, "10")


def world_with_question(world: World) -> ReviewItem:
    open_shop(world)
    return about_the_place(world)


@pytest.mark.parametrize(("text", "value"), [("accept", "40"), ("create:41", "41")])
def test_somebody_elses_value_of_that_id_is_asked_about_and_never_booked_on_unasked(
    world: World, text: str, value: str
) -> None:
    item = world_with_question(world)
    reviewing.resolve(world.works, world.workspace, item.id, answer="create", by="Ann")
    in_visma(world, "40", "Fuel")
    world.pass_time(60, step=30)
    assert "is in Visma already, as Fuel, not as Bergen" in asked(world, "refused")[0].sentence
    world.pass_time(4_000, step=2_000)
    assert (in_ledger(world), puts(world)) == ([], 0)
    taken = asked(world, "dimension-taken")[0]
    assert "is in the ledger as Fuel meanwhile" in taken.sentence
    answer(world, taken, text)
    assert questions(world) == []
    assert values(world)["40"] == ("Fuel", True)
    assert values(world).get("41") == (("Bergen", True) if value == "41" else None)
    sold_on(world, value)
    expect_settled(world)


def test_what_somebody_made_meanwhile_by_the_same_name_is_taken(world: World) -> None:
    item = world_with_question(world)
    reviewing.resolve(world.works, world.workspace, item.id, answer="create", by="Ann")
    in_visma(world, "40", "Bergen")
    world.pass_time(800, step=400)
    assert (questions(world), puts(world)) == ([], 0)
    sold_on(world, "40")
    in_visma(world, "40", "Bergen sentrum", operation="Update")
    world.sell(location_id=item.proposal["location"])
    world.pass_time(2_000, step=1_000)
    assert (questions(world), len(in_ledger(world))) == ([], 2), "once it is made people may call it as they like"
    expect_settled(world)


def test_what_is_read_back_otherwise_than_it_was_sent_is_asked_about_before_anything_is_booked(world: World) -> None:
    item = world_with_question(world)
    renamed = {"tenant_id": world.company["tenant_id"], **row("40", "Fuel", operation="Update")}
    effect = {"kind": "control", "verb": "by_hand", "arguments": renamed}
    world.visma.add({"match": {"path": SEGMENT, "method": "GET"}, "effect": effect, "skip": 1})
    answer(world, item, "create")
    (differs,) = asked(world, "differs")
    assert "it is called Fuel instead of Bergen" in differs.sentence
    assert in_ledger(world) == []
    in_visma(world, "40", "Bergen", operation="Update")
    answer(world, differs, "check-again")
    sold_on(world, "40")
    expect_settled(world)


def in_visma(world: World, value: str, description: str, *, operation: str = "Insert") -> None:
    """A person makes or renames a value in Visma."""
    world.ledger("by_hand", **row(value, description, operation=operation))


def row(value: str, description: str, *, operation: str) -> dict[str, Any]:
    said = {"operation": operation, "value": value, "description": {"value": description}, "active": {"value": True}}
    return {"method": "PUT", "path": SEGMENT, "body": {"segmentValues": [said]}}


@pytest.mark.parametrize(
    ("effect", "sent"),
    [({"kind": "cut_after"}, 1), ({"kind": "delay_commit", "seconds": 60}, 1)],
)
def test_a_lost_answer_is_looked_for_and_the_value_is_made_once(
    world: World, effect: dict[str, Any], sent: int
) -> None:
    item = world_with_question(world)
    world.visma.add({"match": {"path": SEGMENT, "method": "PUT"}, "effect": effect})
    answer(world, item, "create")
    assert values(world)["40"] == ("Bergen", True)
    assert puts(world) == sent
    sold_on(world, "40")
    expect_settled(world)


@pytest.mark.parametrize(
    ("text", "value", "made"), [("create:=Centre", "77", 1), ("create:78=Centre", "78", 1), ("use:10", "10", 0)]
)
def test_a_rule_that_names_a_missing_value_gets_that_or_another(world: World, text: str, value: str, made: int) -> None:
    book = ruling.rules_now(world.works, world.route_id)
    shop = world.shop["location_ids"][0]
    first = book.rules[0]
    assert first.when.location == (shop,)
    ruling.save_rules(
        world.works, world.route_id, replace(book, rules=(replace(first, dimensions=((1, "77"),)), *book.rules[1:])),
        by="Ann", force=True,
    )  # fmt: skip
    world.sell(location_id=shop)
    world.pass_time(800, step=400)
    (item,) = asked(world, "dimension-unknown")
    assert placing.HOW in reviewing.answers_to(item)
    with pytest.raises(UsageError, match="needs a description"):
        answer(world, item, "create")
    answer(world, item, text)
    assert questions(world) == []
    assert values(world).get(value) == ("Centre" if made else "Oslo", True)
    assert puts(world) == made
    assert ruling.rules_now(world.works, world.route_id).rules[0].dimensions == ((1, value),)
    expect_settled(world)


def test_a_dry_run_shows_the_value_and_a_route_that_does_not_post_makes_none(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "off", by="Ann")
    told = answer(world, world_with_question(world), "create")
    assert "once the route posts" in told
    assert "40" not in values(world)
    found = preview.dry_run(world.works, world.company_id, states=("planned",))
    assert {one.writes[0]["key"] for one in found} == {"dim:1:40"}
    setup.switch_posting(world.works, world.route_id, "on", by="Ann")
    world.pass_time(800, step=400)
    sold_on(world, "40")
    expect_settled(world)


def test_what_was_made_is_set_inactive_once_no_rule_gives_it_and_may_be_made_again(world: World) -> None:
    place = open_shop(world)
    answer(world, about_the_place(world), "create")
    with pytest.raises(UsageError, match="place-bergen"):
        approving.set_inactive(world.works, world.company_id, 1, "40", by="Ann")
    with pytest.raises(UsageError, match="not made here"):
        approving.set_inactive(world.works, world.company_id, 1, "77", by="Ann")
    book = ruling.rules_now(world.works, world.route_id)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=book.rules[:-1]), by="Ann")
    approving.set_inactive(world.works, world.company_id, 1, "40", by="Ann")
    ((trip,),) = query(world, "SELECT trip_id FROM planned_write WHERE key = 'dim:1:40'")
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    world.pass_time(60, step=30)
    assert values(world)["40"] == ("Bergen", False)
    sold_on(world, "40")
    expect_settled(world)
    assert query(world, "SELECT state FROM planned_write WHERE key = 'dim:1:40'") == [("reversed",)]
    with world.database.reading() as c:
        (route,) = setups.routes(c, company_id=world.company_id)
    placing.create_for(world.works, route, place, "1/40", by="Ann")
    world.pass_time(60, step=30)
    assert values(world)["40"] == ("Bergen", True)
    expect_settled(world)


def test_two_new_places_never_get_one_value(world: World) -> None:
    for name in ("Bergen", "Narvik"):
        world.do("location", name=name, timezone="Europe/Oslo")
    world.pass_time(4_000, step=2_000)
    first, second = asked(world, "location-unmapped")
    assert first.proposal["new_value"]["value"] == second.proposal["new_value"]["value"] == "40"
    reviewing.resolve(world.works, world.workspace, first.id, answer="create", by="Ann")
    with pytest.raises(UsageError, match="is called"):
        reviewing.resolve(world.works, world.workspace, second.id, answer="create", by="Ann")
    world.pass_time(60, step=30)
    (again,) = asked(world, "location-unmapped")
    assert again.proposal["new_value"]["value"] == "50"
    answer(world, again, "create")
    assert {values(world)["40"][0], values(world)["50"][0]} == {"Bergen", "Narvik"}
    expect_settled(world)


def killed_while(world: World) -> None:
    world.run()
    world.clock.advance(400)
    world.run()
    world.clock.advance(400)
    world.run()


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_the_value_is_made_once(databases: Databases, tmp_path: Path) -> None:
    def came_to(one: World, said: str) -> Any:
        expect_settled(one, said)
        assert values(one)["40"] == ("Bergen", True), said
        return lines_in_ledger(one)

    def approved(one: World) -> None:
        reviewing.resolve(one.works, one.workspace, about_the_place(one).id, answer="create", by="Ann")
        killed_while(one)

    each = step(17) if databases.dialect == "sqlite" else 4 * step(17)
    with closing(World(databases.new(migrated), tmp_path)) as world:
        world.set_up()
        open_shop(world)
        _, tried = killed_everywhere(
            world, databases, play=approved, again=lambda one: again(one, approved), came_to=came_to, each=each
        )
    assert tried > 1


def again(world: World, approved: Any) -> None:
    """Another process: a person who saw no answer answers once more."""
    if [one for one in asked(world, "location-unmapped") if one.proposal.get("name")]:
        approved(world)
    killed_while(world)


def test_where_plans_wait_for_consent_the_value_itself_does_not_ask_again(world: World) -> None:
    setup.switch_posting(world.works, world.route_id, "approve", by="Ann")
    answer(world, world_with_question(world), "create")
    assert values(world)["40"] == ("Bergen", True), "who approved the value has consented to its making"
    (item,) = asked(world, "consent")
    assert in_ledger(world) == []
    answer(world, item, "accept")
    sold_on(world, "40")
    expect_settled(world)


def test_sales_that_share_a_voucher_wait_for_the_value_too(world: World) -> None:
    terms = replace(ruling.terms_now(world.works, world.route_id), mode="batch", batch_size=2)
    ruling.save_terms(world.works, world.route_id, terms, by="Ann")
    place = open_shop(world)
    world.sell(location_id=place, lines=[{"name": "Mug", "amount": 12_500, "tax": "25"}])
    world.pass_time(800, step=400)
    answer(world, about_the_place(world), "create")
    (voucher,) = in_ledger(world)
    assert {line["segments"]["1"] for line in voucher["lines"] if line["account"] == "3001"} == {"40"}
    assert voucher["attachments"] == 1
    expect_settled(world)
