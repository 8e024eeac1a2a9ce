"""Rules in and out as files, for windows: TOML for people, CSV for spreadsheets."""

from __future__ import annotations

from typing import Literal

from ml_connector.errors import UsageError
from ml_connector.finance.rulebook import Rulebook
from ml_connector.rules import rulefile

Form = Literal["toml", "csv"]


def form_of(file_name: str) -> Form:
    """TOML or CSV, by the end of the name. Raises UsageError for another."""
    for form in ("toml", "csv"):
        if file_name.casefold().endswith(f".{form}"):
            return form
    raise UsageError("Rules are kept as TOML or CSV.", record=file_name, fix="Name a file that ends in .toml or .csv.")


def read(text: str, *, form: Form) -> Rulebook:
    """The rulebook of a file. Raises UsageError that names the rule or line and what it should be."""
    try:
        return rulefile.from_toml(text) if form == "toml" else rulefile.from_csv(text)
    except rulefile.RuleFileError as fault:
        raise UsageError(str(fault), fix="Nothing was saved; correct the file and import it again.") from None


def write(book: Rulebook, *, form: Form) -> str:
    """A rulebook as the text of a file; read again, it is the same."""
    return rulefile.to_toml(book) if form == "toml" else rulefile.to_csv(book)
