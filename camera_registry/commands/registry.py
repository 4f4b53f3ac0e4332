"""The registry at the command line: units, sites, import and export, credentials, eyes out of service."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, exports, inventory, pictures, sites, units
from camera_registry import credentials as sealed
from camera_registry.alerts import channels
from camera_registry.audit import Action
from camera_registry.commands.common import (
    command,
    err,
    language_of,
    now,
    out,
    read_password,
    say,
    write_file,
)
from camera_registry.commands.moving import reorganise
from camera_registry.commands.problems import hand_back
from camera_registry.commands.storage import actor, changing, open_credentials, open_database
from camera_registry.credentials import CredentialError
from camera_registry.exports import ExportError
from camera_registry.funding import documents
from camera_registry.i18n import N_, Language, translate, translate_many
from camera_registry.imports.difference import LEFT_OFF, MOVED, listed
from camera_registry.imports.load import Outcome, load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.rows import Row
from camera_registry.imports.workbook import read_workbook
from camera_registry.imports.write import Tally
from camera_registry.models import Credential, Site
from camera_registry.reports import jobs
from camera_registry.settings import Settings

units_app = typer.Typer(no_args_is_help=True, help="Administrative units and their history.")
sites_app = typer.Typer(no_args_is_help=True, help="Network vantages that eyes are probed from.")
credentials_app = typer.Typer(no_args_is_help=True, help="Sealed logins of cameras.")
eyes_app = typer.Typer(no_args_is_help=True, help="Eyes out of service.")

Code = Annotated[str, typer.Argument(help="Code.")]


def add_to(app: typer.Typer) -> None:
    """Add the registry's commands to the program."""
    units_app.command("reorganise")(reorganise)
    app.add_typer(units_app, name="units")
    app.add_typer(sites_app, name="site")
    app.add_typer(credentials_app, name="credentials")
    app.add_typer(eyes_app, name="eye")
    app.command("import")(import_file)
    app.command("export")(export_file)
    app.command("template")(template)


@units_app.command("load")
def load_units(name: Annotated[str, typer.Argument(help="Data set, e.g. yen-bai.")]) -> None:
    """Load a carried data set of administrative units; loading again corrects."""
    with command() as loaded, open_database(loaded) as database:
        with database.transaction() as session:
            added, changed = units.load_data_set(session, name)
            detail = {"new": added, "changed": changed}
            audit.record(session, actor(), Action.UNITS_LOADED, f"units:{name}", now(), detail=detail)
        say(loaded, N_("Units: {new} new, {changed} changed."), new=added, changed=changed)


@units_app.command("list")
def list_units(
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%d/%m/%Y"], help="Day.")] = None,
) -> None:
    """List the units that are valid on a day."""
    with command() as loaded, open_database(loaded) as database:
        day = (on or datetime.now(loaded.zone)).date()
        with database.reading() as session:
            tree = units.UnitTree.load(session)
        table = _table(loaded, N_("Version"), N_("Unit"), N_("Belongs to"))
        for unit in tree.units_of(day):
            table.add_row(unit.uid, unit.name, ", ".join(above.name for above in tree.ancestors(unit.id)))
        out.print(table)


@sites_app.command("add")
def add_site(
    code: Code,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    interval: Annotated[int, typer.Option(min=30, max=86_400, help="Seconds between liveness probes.")] = 60,
) -> None:
    """Add a network vantage; take 300 seconds behind a VPN or a household's line."""
    with command() as loaded, changing(loaded) as session:
        inventory.add_site(session, code, name, interval)
        detail = {"before": None, "after": {"name": name, "interval_s": interval}}
        audit.record(session, actor(), Action.SITE_ADDED, f"site:{code}", now(), detail=detail)
        say(loaded, N_('Site "{code}" added.'), code=code)


@sites_app.command("list")
def list_sites() -> None:
    """List the sites."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        table = _table(loaded, N_("Site"), N_("Name"), N_("Interval, s"), N_("Asked by"), N_("Canaries"))
        for site in session.scalars(select(Site).order_by(Site.code)):
            by = translate(N_("its own machine") if site.delivered else N_("the registry"), loaded.language)
            table.add_row(site.code, site.name, str(site.interval_s), by, ", ".join(site.canaries))
        out.print(table)


@sites_app.command("delivered")
def set_delivered(
    code: Code,
    delivered: Annotated[
        bool, typer.Option("--yes/--no", help="By its own machine, or by the registry again.")
    ] = True,
) -> None:
    """Have a site's eyes asked by a machine of its own, which delivers what it finds (`push`)."""
    with command() as loaded, changing(loaded) as session:
        sites.set_delivered(session, actor(), now(), code, delivered)
        text = N_('The eyes of site "{code}" are asked by a machine of its own from now on.')
        if not delivered:
            text = N_('The eyes of site "{code}" are asked by the registry from now on.')
        say(loaded, text, code=code)


@sites_app.command("canaries")
def set_canaries(
    code: Code,
    canaries: Annotated[
        list[str] | None, typer.Argument(help="host:port of what answers while the site's line bears.")
    ] = None,
) -> None:
    """Name the addresses that vouch for a site's line; without any it is believed to bear."""
    with command() as loaded, changing(loaded) as session:
        kept = sites.set_canaries(session, actor(), now(), code, canaries or [])
        say(loaded, N_('Canaries of site "{code}": {canaries}.'), code=code, canaries=", ".join(kept) or "–")


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS or ODS.")],
    dry_run: Annotated[bool, typer.Option(help="Check the file and change nothing.")] = False,
    site: Annotated[str | None, typer.Option(help="Site of devices whose row names none.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of points whose row and sheet name none.")] = None,
    units_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%d/%m/%Y"], help="Day whose units the file names, if not today."),
    ] = None,
    prefix: Annotated[str, typer.Option(help="Begins the codes given to points without one.")] = "YB",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='"Header=field"; remembered. "Header=" passes a column over.'),
    ] = None,
    marked: Annotated[Path | None, typer.Option(help="Where the copy with wrong cells marked goes.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    language: Annotated[str | None, typer.Option(help="vi or en; default: the setting.")] = None,
) -> None:
    """Import an inventory: everything or, if a cell is wrong, nothing. Nothing is probed by it."""
    with command() as loaded, open_database(loaded) as database:
        speaks = language_of(language, loaded)
        store = open_credentials(loaded, database)
        moment = now()
        day = (units_on or moment.astimezone(loaded.zone)).date()
        options = Options(day, loaded.zone, site, unit, prefix)
        sheets = read_workbook(file)

        def progress(rows: Sequence[Row]) -> Iterable[Row]:
            told = translate(N_("Reading rows"), speaks)
            return track(rows, told, console=err, transient=True, disable=not err.is_terminal)

        with database.transaction() as session:
            outcome = load_inventory(
                *(session, store, sheets, options, moment),
                mapping=_mapping(mapping),
                track=progress,
                actor=actor(),
                name=file.name,
                reason=reason,
            )
            if dry_run:
                session.rollback()
        _tell_passed_over(outcome, speaks)
        if outcome.problems:
            target = marked or file.with_name(f"{file.stem}-errors.xlsx")
            from camera_registry.imports.marking import marked_copy  # opens openpyxl: half a second

            copy = marked_copy(file.read_bytes(), file.name, sheets, outcome.problems, outcome.mapping)
            hand_back(outcome.problems, target, copy, speaks)
            raise typer.Exit(1)
        _tell_written(outcome, dry_run, speaks)


def export_file(
    file: Annotated[Path, typer.Argument(help="Where to; .csv or .xlsx.")],
    language: Annotated[str | None, typer.Option(help="vi or en; default: the setting.")] = None,
) -> None:
    """Export the inventory, passwords blank; importing the file again changes nothing."""
    with command() as loaded, open_database(loaded) as database:
        with database.reading() as session:
            made, count = exports.export_inventory(session, file, language_of(language, loaded), loaded.zone)
        write_file(file, made)
        with database.transaction() as session:
            detail = {"rows": count}
            audit.record(session, actor(), Action.EXPORTED, f"inventory:{file.name}", now(), detail=detail)
        say(loaded, N_("Rows written to {file}: {count}."), count=count, file=file)


def template(
    file: Annotated[Path, typer.Argument(help="Where to; .xlsx.")],
    language: Annotated[str | None, typer.Option(help="vi or en; default: the setting.")] = None,
) -> None:
    """Write an empty inventory to fill in."""
    with command() as loaded:
        if file.suffix.lower() != ".xlsx":  # a CSV has no room for the guide and the lists
            raise ExportError(N_("{file}: write the template to a file that ends in .xlsx."), file=file)
        write_file(file, exports.template(language_of(language, loaded)))
        say(loaded, N_("Template written to {file}."), file=file)


@credentials_app.command("set")
def set_credential(
    name: Annotated[str, typer.Argument(help="Name of the set.")],
    user: Annotated[str | None, typer.Option(help="User name; asked for when left out.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help='File that holds the password; "-" reads standard input.')
    ] = None,
    site: Annotated[str | None, typer.Option(help="Serve every device of this site.")] = None,
    manufacturer: Annotated[str | None, typer.Option(help="Serve every device of this make.")] = None,
) -> None:
    """Make or change a set of login data. The password is never an argument: others could see it."""
    with command() as loaded, open_database(loaded) as database:
        store = open_credentials(loaded, database)
        if user is None:
            user = typer.prompt(translate(N_("User name"), loaded.language))
        password = read_password(password_file, loaded)
        with database.transaction() as session:
            where = None if site is None else inventory.site_by_code(session, site).id
            before = _serves(session, name)
            store.put(session, name, user, password, now=now(), site=where, manufacturer=manufacturer)
            detail = {"before": before, "after": _serves(session, name)}
            audit.record(
                session, actor(), Action.CREDENTIAL_SAVED, f"credential:{name}", now(), detail=detail
            )
        say(loaded, N_('Credential set "{name}" saved.'), name=name)


@credentials_app.command("list")
def list_credentials() -> None:
    """List the sets, never what is in them."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        table = _table(loaded, N_("Name"), N_("Site"), N_("Manufacturer"), N_("Changed"))
        found = select(Credential, Site.code).outerjoin(Site, Credential.site_id == Site.id)
        for row, site in session.execute(found.order_by(Credential.name)):
            at = row.changed_at.astimezone(loaded.zone)
            erased = translate(N_("erased"), loaded.language)
            name = row.name if row.sealed is not None else f"{row.name} ({erased})"
            table.add_row(name, site or "", row.manufacturer or "", f"{at:%d/%m/%Y %H:%M}")
        out.print(table)


@credentials_app.command("erase")
def erase_credential(name: Annotated[str, typer.Argument(help="Name of the set.")]) -> None:
    """Forget a login; devices that use it are asked without one."""
    with command() as loaded, changing(loaded) as session:
        found = session.scalar(select(Credential.id).where(Credential.name == name))
        if found is None:
            raise CredentialError(N_('There is no credential set "{name}".'), name=name)
        sealed.erase(session, found, now())
        audit.record(session, actor(), Action.CREDENTIAL_ERASED, f"credential:{name}", now())
        say(loaded, N_('Credential set "{name}" erased.'), name=name)


@credentials_app.command("rotate")
def rotate_credentials() -> None:
    """Seal every login anew with a new key, or with the first of those that the settings give."""
    with command() as loaded, open_database(loaded) as database:
        store = open_credentials(loaded, database)
        store.renew_key()
        with database.transaction() as session:
            count, kept = store.rotate(session), pictures.reseal(session, store)
            detail = {"credentials": count, "pictures": kept, "channels": channels.reseal(session, store)}
            detail["documents"] = documents.reseal(session, store)
            detail["reports"] = jobs.reseal(session, store)
            audit.record(session, actor(), Action.CREDENTIALS_RESEALED, "credential:", now(), detail=detail)
        say(
            loaded,
            N_(
                "Sealed anew: credential sets {count}, kept pictures {pictures}. "
                "Keep a copy of the key, and of the old one."
            ),
            count=count,
            pictures=kept,
        )


@eyes_app.command("withdraw-access")
def withdraw_access(code: Code) -> None:
    """A household takes its consent back: stop probing, forget the login."""
    with command() as loaded, changing(loaded) as session:
        eye = inventory.eye_by_code(session, code)
        before, erased = eye.access_withdrawn_at, inventory.withdraw_access(session, eye, now())
        detail = {
            "before": {"access_withdrawn_at": before},
            "after": {"access_withdrawn_at": eye.access_withdrawn_at},
            "login_erased": erased,
        }
        audit.record(session, actor(), Action.ACCESS_WITHDRAWN, f"eye:{code}", now(), detail=detail)
        if erased:
            say(loaded, N_('The eye "{code}" is not probed any more; its login is erased.'), code=code)
        else:
            say(
                loaded,
                N_(
                    'The eye "{code}" is not probed any more. No login was erased: one that serves a whole '
                    "site, a manufacturer or other eyes stays."
                ),
                code=code,
            )


@eyes_app.command("suspend")
def suspend(code: Code, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Take an eye out of service for a while."""
    with command() as loaded, changing(loaded) as session:
        inventory.suspend(session, inventory.eye_by_code(session, code), now(), reason)
        audit.record(session, actor(), Action.SUSPENDED, f"eye:{code}", now(), reason=reason)
        say(loaded, N_('The eye "{code}" is suspended.'), code=code)


@eyes_app.command("resume")
def resume(code: Code) -> None:
    """Put a suspended eye back in service."""
    with command() as loaded, changing(loaded) as session:
        inventory.resume(session, inventory.eye_by_code(session, code), now())
        audit.record(session, actor(), Action.RESUMED, f"eye:{code}", now())
        say(loaded, N_('The eye "{code}" is in service again.'), code=code)


@eyes_app.command("retire")
def retire(code: Code) -> None:
    """Take an eye out of service for good."""
    with command() as loaded, changing(loaded) as session:
        moment = now()
        inventory.retire(inventory.eye_by_code(session, code), moment)
        detail = {"before": {"retired_at": None}, "after": {"retired_at": moment}}
        audit.record(session, actor(), Action.RETIRED, f"eye:{code}", moment, detail=detail)
        say(loaded, N_('The eye "{code}" is retired.'), code=code)


def _serves(session: Session, name: str) -> dict[str, str | None] | None:
    """Whom a set serves where a device names none, never what is in it; ``None`` of no such set."""
    found = session.execute(
        select(Site.code, Credential.manufacturer)
        .select_from(Credential)
        .outerjoin(Site, Credential.site_id == Site.id)
        .where(Credential.name == name)
    ).one_or_none()
    return None if found is None else {"site": found[0], "manufacturer": found[1]}


def _mapping(said: list[str] | None) -> dict[str, str]:
    pairs = (each.rpartition("=") for each in said or ())
    return {header.strip(): name.strip() for header, _, name in pairs}


def _table(loaded: Settings, *heads: str) -> Table:
    return Table(*(translate(head, loaded.language) for head in heads))


def _tell_passed_over(outcome: Outcome, language: Language) -> None:
    for sheet in outcome.sheets_without_table:
        message = N_('The sheet "{sheet}" has no table and was passed over.')
        text = translate(message, language, sheet=sheet or "CSV")
        err.print(text, style="yellow", markup=False)
    for sheet, header in outcome.unknown_headers:
        text = translate(
            N_('{sheet}: the column "{header}" is not known and was passed over.'),
            language,
            sheet=sheet or "CSV",
            header=header,
        )
        err.print(text, style="yellow", markup=False)


# How a command says what some faults ask for.
def _tell_written(outcome: Outcome, dry_run: bool, language: Language) -> None:
    written = outcome.written
    kinds: list[tuple[str, Tally]] = [
        (N_("Points"), written.points),
        (N_("Devices"), written.devices),
        (N_("Eyes"), written.eyes),
    ]
    for name, tally in kinds:
        message = N_("{kind}: {new} new, {changed} changed, {same} unchanged.")
        text = translate(
            message,
            language,
            kind=translate(name, language),
            new=tally.new,
            changed=tally.changed,
            same=tally.same,
        )
        out.print(text, markup=False)
    if outcome.moved:
        err.print(translate_many(*MOVED, len(outcome.moved), language), style="yellow", markup=False)
    if outcome.left_off:
        codes = listed(outcome.left_off)
        text = translate_many(*LEFT_OFF, len(outcome.left_off), language, codes=codes)
        err.print(text, style="yellow", markup=False)
    if dry_run:
        out.print(translate(N_("Dry run: nothing was changed."), language), markup=False)
