"""`webhook`: the addresses that vendors ring, their signature keys, and the subscriptions that ring them."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.cli.connecting import FromFile
from ml_connector.cli.output import PERSON, AsJson, lines, table, when
from ml_connector.cli.session import read_secret, session
from ml_connector.engine import doorkeeping, upkeep
from ml_connector.engine.works import open_line
from ml_connector.errors import UsageError
from ml_connector.store import sealed_secrets, webhook_doors

app = typer.Typer(help="Addresses that vendors ring when something changed.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="Code of a connection.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="webhook")


@app.command("open")
def open_door(code: Code, as_json: AsJson = False) -> None:
    """Make a new address for a connection. It is shown once: register it with the vendor, then give its key."""
    with session(as_json=as_json) as s:
        row = s.connection(code)
        door, url = doorkeeping.open_door(
            s.works, connection_id=row.id, public_url=s.settings.public_url or "", signature_key=None, by=s.by
        )
        told = lines(
            f"Register exactly this address: {url}", f"Then give its signature key: ml-connector webhook key {door}"
        )
        s.out.answer({"door": door, "url": url}, told)


@app.command("key")
def key(
    door: Annotated[str, typer.Argument(help="Id that `webhook open` told.")],
    from_file: FromFile = None,
    grace_s: Annotated[int, typer.Option(min=0, max=604_800, help="How long the old key still counts.")] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Give a new signature key; the old one is taken for a day, as vendors send again what they signed before."""
    with session(as_json=as_json) as s:
        text = read_secret("Signature key", from_file=from_file, variable="WEBHOOK_SIGNATURE_KEY")
        doorkeeping.set_door_key(s.works, door, text, by=s.by, grace_s=grace_s)
        s.out.answer({"door": door}, lines("The key is kept; deliveries signed with it are taken from now on."))


@app.command("list")
def list_doors(code: Code, as_json: AsJson = False) -> None:
    """The addresses of a connection, without their secret part, and what each refused since it last took something."""
    with session(as_json=as_json) as s:
        row = s.connection(code)
        with s.works.database.reading() as c:
            doors = webhook_doors.every(c, connection_id=row.id)
            keyed = {one.id: len(sealed_secrets.in_use(c, "door", one.id, now=s.works.now())) for one in doors}
        refused = {one.door_id: one for one in doorkeeping.refusals(s.works, row.id)}
        rows = [
            {
                "door": one.id,
                "keys": keyed[one.id],
                "refused_at": when(refused[one.id].at) if one.id in refused else None,
                "refused": refused[one.id].said if one.id in refused else None,
            }
            for one in doors
        ]
        columns = ("door", "keys in use", "refused last", "because")
        s.out.answer({"doors": rows}, table(f"Doors of {code}", columns, [list(row.values()) for row in rows]))


@app.command("watch")
def watch(code: Code, as_json: AsJson = False) -> None:
    """See that the vendor's subscription rings our address: make or repair it where the vendor allows."""
    with session(as_json=as_json) as s:
        row = s.connection(code)
        line = open_line(s.works, row.id)
        if line.system.watch is None:
            raise UsageError(
                f"{line.system.connector.title} lets nobody register webhooks by call.", record=code,
                fix="Register the address of `ml-connector webhook open` in the vendor's console.",
            )  # fmt: skip
        changed = upkeep.watch_subscriptions(s.works, row)
        with s.works.database.reading() as c:
            doors = webhook_doors.every(c, connection_id=row.id)
            deaf = [one.id for one in doors if not sealed_secrets.in_use(c, "door", one.id, now=s.works.now())]
        told = "The subscription was made or repaired." if changed else "Nothing had to be changed."
        if not doors:
            told = f"{code} has no address yet: ml-connector webhook open {code}"
        elif deaf:
            told = "We hold no signature key for some addresses, and may not ask for it: ml-connector webhook key DOOR"
        good = bool(doors) and not deaf
        content = {"ok": good, "changed": changed, "doors": [one.id for one in doors], "without_key": deaf}
        s.out.answer(content, lines(told), code=0 if good else PERSON)
