"""`rules`: show, import, export, check, and what a change would have done."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import PERSON, AsJson, lines, plain, table
from ml_connector.cli.running import journals_of
from ml_connector.cli.session import RouteName, Session, session
from ml_connector.engine import preview, rulebooks, ruling
from ml_connector.errors import UsageError
from ml_connector.finance.encoding import encode, encode_finding
from ml_connector.finance.plan import Finding
from ml_connector.finance.rulebook import Rule, Rulebook
from ml_connector.store.setups import RouteRow

app = typer.Typer(help="Which account, dimension and VAT code each amount gets.", no_args_is_help=True)

_EXAMPLES = {
    "square": "demo", "woocommerce": "woocommerce", "paypal": "paypal", "stripe": "stripe", "basware": "basware",
}  # fmt: skip
RulesFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rules as .toml or .csv.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="rules")


@app.command("show")
def show(route: RouteName = None, as_json: AsJson = False) -> None:
    """The rules as they stand, first match first."""
    with session(as_json=as_json) as s:
        book = ruling.rules_now(s.works, s.route(route).id)
        rows = [(n, rule.id, ", ".join(rule.roles), _when(rule), _then(rule)) for n, rule in enumerate(book.rules, 1)]
        title = f"Rules, version {book.version}, valid from {book.valid_from}"
        s.out.answer({"rulebook": encode(book)}, table(title, ("", "rule", "for", "when", "then"), rows))


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write; .toml or .csv.")],
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Write the rules to a file that `import` reads back as the same."""
    with session(as_json=as_json) as s:
        book = ruling.rules_now(s.works, s.route(route).id)
        file.write_text(rulebooks.write(book, form=rulebooks.form_of(file.name)), encoding="utf-8")
        content = {"file": str(file), "version": book.version, "rules": len(book.rules)}
        s.out.answer(content, lines(f"{len(book.rules)} rules of version {book.version} are in {file}."))


@app.command("example")
def example(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write; .toml or .csv.")],
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Write rules to begin with: those of the demonstration for this flow. Put your own accounts in, then `check`."""
    with session(as_json=as_json) as s:
        flow = s.works.flows[s.route(route).flow]
        other = _EXAMPLES[flow.source if flow.source in _EXAMPLES else flow.target]
        text = files("ml_connector.cli").joinpath(f"{other}_rules.toml").read_text(encoding="utf-8")
        book = rulebooks.read(text, form="toml")
        file.write_text(rulebooks.write(book, form=rulebooks.form_of(file.name)), encoding="utf-8")
        told = (
            f"{len(book.rules)} rules are in {file}; their accounts are examples.",
            f"Next: ml-connector rules check {file}",
        )
        s.out.answer({"file": str(file), "rules": len(book.rules)}, lines(*told))


@app.command("import")
def import_file(
    file: RulesFile,
    route: RouteName = None,
    force: Annotated[bool, typer.Option(help="Save although something the rules name is not in the ledger.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save the rules of a file as a new version, checked against the ledger; held records are planned again."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        saved = ruling.save_rules(s.works, row.id, _read(file), by=s.by, force=force)
        told = [f"Saved as version {saved.version}.", *(finding.sentence for finding in saved.findings)]
        told.append("Next: ml-connector doctor, then ml-connector read and ml-connector dry-run")
        s.out.answer({"version": saved.version, "findings": _findings(saved.findings)}, lines(*told))


@app.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="A file; none: the saved rules.")
    ] = None,
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Check what rules name against the ledger as it is now. Nothing is saved."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        book = _read(file) if file else ruling.rules_now(s.works, row.id)
        findings = ruling.check_rules(s.works, row.id, book)
        blocking = [one for one in findings if one.blocks]
        rows = [("wrong" if one.blocks else "note", one.code, one.sentence) for one in findings]
        shown = (
            table("Findings", ("", "code", "what and what to do"), rows) if rows else lines("All rules can be used.")
        )
        content = {"ok": not blocking, "rules": len(book.rules), "findings": _findings(findings)}
        s.out.answer(content, shown, code=PERSON if blocking else 0)


@app.command("what-if")
def what_if(
    file: RulesFile,
    route: RouteName = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many records, the newest last.")] = 5_000,
    as_json: AsJson = False,
) -> None:
    """Show which records these rules would have booked differently. Nothing is saved."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        pairs = _compared(s, row, _read(file), limit=limit)
        rows = [(now.kind, now.external_id, *_unlike(s, row, now, then)) for now, then in pairs]
        content = {"changed": [{"now": plain(now), "then": plain(then)} for now, then in pairs]}
        s.out.answer(content, table("Would change", ("kind", "record", "now", "then"), rows))


def _compared(
    s: Session, row: RouteRow, book: Rulebook, *, limit: int
) -> list[tuple[preview.Previewed, preview.Previewed]]:
    with s.out.progress("planning twice"):
        return preview.what_if(s.works, row.company_id, row.id, book, limit=limit)


def _unlike(s: Session, row: RouteRow, now: preview.Previewed, then: preview.Previewed) -> tuple[str, str]:
    """What becomes of a record now and then: only the lines that differ, or why there are none."""
    old, new = _lines_of(s, row, now), _lines_of(s, row, then)
    return (
        "\n".join([line for line in old if line not in new] or [_told(now)]),
        "\n".join([line for line in new if line not in old] or [_told(then)]),
    )


def _lines_of(s: Session, row: RouteRow, one: preview.Previewed) -> list[str]:
    found = []
    for _, several in journals_of(s, row.company_id, one):
        for line in several:
            side, amount = ("Dr", line.debit) if line.debit else ("Cr", line.credit)
            found.append(
                " ".join(filter(None, (side, line.account or line.role, str(amount), *line.dimensions, line.vat)))
            )
    return found


def _told(one: preview.Previewed) -> str:
    keys = ", ".join(str(write["key"]) for write in one.writes)
    return " ".join(part for part in (one.outcome, keys, one.reason) if part)


def _read(file: Path) -> Rulebook:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError("The file is not UTF-8 text.", record=str(file), fix="Save it as UTF-8.") from None
    return rulebooks.read(text, form=rulebooks.form_of(file.name))


def _when(rule: Rule) -> str:
    said: dict[str, Any] = encode(rule.when)
    return ", ".join(f"{name} = {_words(value)}" for name, value in said.items() if value) or "always"


def _then(rule: Rule) -> str:
    said: dict[str, Any] = encode(rule)
    kept = {name: value for name, value in said.items() if name not in ("id", "roles", "when", "note") and value}
    return ", ".join(f"{name} {_words(value)}" for name, value in kept.items())


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join("=".join(map(str, one)) if isinstance(one, list) else str(one) for one in value)
    return str(value)


def _findings(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [encode_finding(one) for one in findings]
