"""What every `connect` command says and does: its options, the connection it stores, the consent it asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli.output import lines
from ml_connector.cli.session import Session, read_secret
from ml_connector.engine import connecting, handover, oauth, setup
from ml_connector.errors import ConfigurationError, UsageError

Code = Annotated[str, typer.Option("--code", help="1 to 12 plain characters; begins every key. It never changes.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Another address of the system, such as its sandbox.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--setting", help="name=value for another address or pace; never a secret. May be repeated."),
]
FromFile = Annotated[Path | None, typer.Option("--from-file", help="A file that holds the secret and nothing else.")]


def check_address(s: Session, connector: str, url: str, settings: dict[str, str]) -> None:
    """An address that can never be called is refused before it is kept; nothing is called. Raises ConnectorError."""
    system = s.works.system(connector)
    if system.open_http is not None:
        system.open_http(url, settings, allowed=s.works.hosts_of(system)).close()


def secrets_anew(connector: str, titles: Mapping[str, str], from_file: Path | None) -> dict[str, str]:
    """New secrets by field, from a file, variables or prompts; what is not given stays. Raises ConnectorError."""
    if from_file is not None:
        words = from_file.read_text(encoding="utf-8").split()
        return dict(zip(titles, words, strict=True)) if len(words) == len(titles) == 1 else settings_of(words)
    variables = {name: f"{connector}_{name}".upper() for name in titles}
    given = {name: os.environ[variable].strip() for name, variable in variables.items() if os.environ.get(variable)}
    if given:
        return given
    if not os.isatty(0):
        fix = f"Give it with --from-file, in a variable ({', '.join(variables.values())}), or at a terminal."
        raise ConfigurationError("No new secret was given.", fix=fix)
    asked = {
        name: typer.prompt(title, default="", show_default=False, hide_input=True, err=True)
        for name, title in titles.items()
    }
    return {name: str(text).strip() for name, text in asked.items() if text}


def settings_of(given: list[str] | None) -> dict[str, str]:
    """Settings from name=value each. Raises UsageError."""
    pairs = [one.partition("=") for one in given or ()]
    for name, sign, _ in pairs:
        if not sign:
            raise UsageError("A setting is written name=value.", record=name)
    return {name: value for name, _, value in pairs}


def store(
    s: Session, connector: str, code: str, given: dict[str, str], *, base_url: str | None, settings: dict[str, str]
) -> None:
    """Store a connection and say what comes next; nothing is called."""
    setup.init(s.works, workspace=s.workspace)
    title = s.works.system(connector).connector.title
    credentials = {name: text for name, text in given.items() if text}
    made = connecting.connect(
        s.works, s.workspace, connector=connector, code=code, title=title, credentials=credentials, settings=settings,
        base_url=base_url, by=s.by,
    )  # fmt: skip
    s.out.answer(
        {"connection": made, "code": code, "connector": connector},
        lines(f"{title} is connected as {code}; nothing was called yet.", f"Next: ml-connector ping {code}"),
    )


def ask_consent(
    s: Session, connector: str, code: str, client_id: str, *, base_url: str | None, from_file: Path | None
) -> None:
    """Print the link at which a seller agrees."""
    if not client_id:
        raise UsageError("--oauth needs --application-id.", record=code, fix="Copy it from the developer console.")
    secret = read_secret("Application secret", from_file=from_file, variable="SQUARE_APPLICATION_SECRET")
    redirect = oauth.callback_url(s.settings.public_url, connector)
    title = s.works.system(connector).connector.title
    link = oauth.begin(
        s.works, s.workspace, connector=connector, code=code, title=title, client_id=client_id, client_secret=secret,
        redirect_uri=redirect, base_url=base_url, by=s.by,
    )  # fmt: skip
    told = lines(
        "Open this in the seller's browser, within half an hour; it works once:",
        link,
        f"The application's redirect address must be {redirect}",
    )
    s.out.answer({"authorize_url": link, "redirect_uri": redirect, "code": code}, told)


def ask_key(
    s: Session, connector: str, code: str, url: str, *, settings: dict[str, str], beside: dict[str, str], root: str
) -> None:
    """Print the link at which a shop's owner has a key made and posted here."""
    setup.init(s.works, workspace=s.workspace)
    wanted = handover.Wanted(connector, code, s.works.system(connector).connector.title, url, settings, beside)
    link = handover.begin(s.works, s.workspace, wanted, public_url=s.settings.public_url, by=s.by, root=root)
    told = lines(
        "While `ml-connector serve` runs, have the shop's owner open this within half an hour; it works once:",
        link,
        f"The shop then posts its key here by itself. Next: ml-connector ping {code}",
    )
    s.out.answer({"authorize_url": link, "code": code}, told)
