"""The database itself refuses to change an audit event or a posting that is in the ledger.

Erasing personal data empties `planned_write.content` and `submission.content`, so those two columns stay free.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_WRITE_IDENTITY = ("company_id", "key", "revision", "kind", "hash", "amount", "currency")
_SUBMISSION_IDENTITY = ("company_id", "target_id", "key", "token", "kind", "hash", "remote_id")
_EVENT = "an audit event is never changed"
_WRITE = "a posting in the ledger is never changed: reverse it"
_SUBMISSION = "a document in the ledger is never changed: reverse it"


def upgrade() -> None:
    """Lay the triggers."""
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgresql()


def _on_sqlite() -> None:
    # REPLACE deletes without asking the delete trigger, so an insert may not meet a row either.
    taken = "EXISTS (SELECT 1 FROM audit_event WHERE chain = NEW.chain AND seq = NEW.seq)"
    for name, moment, condition, message in (
        ("audit_event_no_update", "UPDATE ON audit_event", "1", _EVENT),
        ("audit_event_no_delete", "DELETE ON audit_event", "1", _EVENT),
        ("audit_event_no_replace", "INSERT ON audit_event", taken, _EVENT),
        ("planned_write_no_delete", "DELETE ON planned_write", "OLD.state IN ('done', 'reversed')", _WRITE),
        ("planned_write_no_update", "UPDATE ON planned_write", _write_changed("IS NOT"), _WRITE),
        ("submission_no_delete", "DELETE ON submission", "OLD.state = 'done'", _SUBMISSION),
        ("submission_no_update", "UPDATE ON submission", _submission_changed("IS NOT"), _SUBMISSION),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {moment} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


def _on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    row = "FOR EACH ROW"
    for name, moment, scope, message in (
        ("audit_event_append_only", "UPDATE OR DELETE ON audit_event", row, _EVENT),
        ("audit_event_no_truncate", "TRUNCATE ON audit_event", "FOR EACH STATEMENT", _EVENT),
        (
            "planned_write_no_delete",
            "DELETE ON planned_write",
            f"{row} WHEN (OLD.state IN ('done', 'reversed'))",
            _WRITE,
        ),
        (
            "planned_write_no_update",
            "UPDATE ON planned_write",
            f"{row} WHEN ({_write_changed('IS DISTINCT FROM')})",
            _WRITE,
        ),
        ("submission_no_delete", "DELETE ON submission", f"{row} WHEN (OLD.state = 'done')", _SUBMISSION),
        (
            "submission_no_update",
            "UPDATE ON submission",
            f"{row} WHEN ({_submission_changed('IS DISTINCT FROM')})",
            _SUBMISSION,
        ),
    ):
        op.execute(f"CREATE TRIGGER {name} BEFORE {moment} {scope} EXECUTE FUNCTION refuse_change('{message}')")


def _write_changed(differs: str) -> str:
    elsewhere = f"NEW.state <> 'reversed' AND NEW.state {differs} OLD.state"
    return f"OLD.state IN ('done', 'reversed') AND ({elsewhere} OR {_any_of(_WRITE_IDENTITY, differs)})"


def _submission_changed(differs: str) -> str:
    return f"OLD.state = 'done' AND (NEW.state <> 'done' OR {_any_of(_SUBMISSION_IDENTITY, differs)})"


def _any_of(columns: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in columns)
