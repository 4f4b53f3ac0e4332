"""``doctor``: examine the database, and say of each invariant whether it holds."""

import typer
from sqlalchemy.exc import SQLAlchemyError

from camera_registry import doctor, ingest
from camera_registry.commands.common import Refused, command, now, out
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.doctor import Examined
from camera_registry.i18n import N_, Language, number, translate
from camera_registry.ingest import Ingest


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(examine)


def examine() -> None:
    """Examine the database: does every invariant hold that figures lean on? Changes nothing.

    Exit code 1 where one does not, with what is wrong and the first of it by name.
    """
    with command() as settings:
        database = Database(settings.url)
        rules = ingest.rules(settings.confirm_after, settings.silence_factor, settings.lateness_days)
        judge = Ingest(database, rules, now)
        healthy = True
        try:
            for examined in doctor.examine(database, judge, CredentialStore(settings), settings.zone, now()):
                out.print(_line(examined, settings.language), markup=False)
                healthy = healthy and examined.holds
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise Refused(N_("The database does not work: {reason}"), reason=reason) from None
        finally:
            database.close()
        if not healthy:
            raise typer.Exit(1)


def _line(examined: Examined, language: Language) -> str:
    what = translate(examined.invariant, language)
    looked_at = number(examined.looked_at, language)
    if examined.holds:
        return translate(N_("✓ {what} ({looked_at} looked at)"), language, what=what, looked_at=looked_at)
    text = N_("✗ {what}: {broken} of {looked_at} broken: {examples}")
    examples = "; ".join(examined.examples)
    if examined.broken > len(examined.examples):
        examples += "; …"
    return translate(
        text,
        language,
        what=what,
        broken=number(examined.broken, language),
        looked_at=looked_at,
        examples=examples,
    )
