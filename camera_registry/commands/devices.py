"""The commands of devices: which there are, what each says of itself, and what waits for a person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import orjson
import typer
import uvloop
from rich.table import Table
from sqlalchemy import select

from camera_registry import audit, commissioning, discovering, errands, inventory
from camera_registry.audit import Action
from camera_registry.commands.common import command, foreign, now, out, say
from camera_registry.commands.storage import actor, changing, open_credentials, open_database
from camera_registry.commissioning import DeviceReading, Proposed
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errands import Wish
from camera_registry.facts import Change, confirm_device
from camera_registry.i18n import N_, Language, moment, translate
from camera_registry.models import Device, DeviceEvent
from camera_registry.monitor import Monitor, prepare
from camera_registry.settings import Settings
from camera_registry.words import reason_text
from probes.onvif.discovery import ANSWERS_FOR_S, Found
from probes.web import Web

T = TypeVar("T")

device_app = typer.Typer(no_args_is_help=True, help="Devices that are not what they were.")
login_app = typer.Typer(no_args_is_help=True, help="Logins that are held back.")

Code = Annotated[str, typer.Argument(metavar="DEVICE", help="Code of the device.")]


def add_to(app: typer.Typer) -> None:
    app.command()(discover)
    app.command()(commission)
    app.add_typer(device_app, name="device")
    app.add_typer(login_app, name="login")


def discover(
    hosts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOST|NETWORK]...", help="IPv4 addresses, or networks like 10.0.4.0/24."),
    ] = None,
    interface: Annotated[
        str, typer.Option(help="Own address of the network that is asked when no host is named.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="Listen so long.")] = ANSWERS_FOR_S,
    try_ports: Annotated[
        bool, typer.Option("--try-ports", help="Also ask the usual ports of hosts that stay silent.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find ONVIF devices: those of this network, or of the hosts named. Nothing is logged in to."""
    with command() as loaded, open_database(loaded) as database:
        named = discovering.addresses(hosts or ())
        found = uvloop.run(_discover(named, interface, seconds, try_ports))
        with database.reading() as session:
            registered = discovering.registered(session)
        if as_json:
            told = [_told(device, registered.get(device.host, ())) for device in found]
            typer.echo(orjson.dumps({"devices": told}, option=orjson.OPT_INDENT_2).decode())
            return
        if not found:
            say(loaded, N_("No device answered."))
            return
        out.print(_table(found, registered, loaded.language))


def commission(
    device: Code,
    apply: Annotated[bool, typer.Option("--apply", help="Write what is proposed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a device who it is and what channels it has, and propose its eyes. Logs in, within the budget."""
    with command() as loaded, open_database(loaded) as database:
        credentials = open_credentials(loaded, database)
        request = errands.request_device(database, device, Wish.READ, now())
        try:
            reading = _answer(
                database, loaded, credentials, lambda: errands.read_reading(database, request, now())
            )
        finally:
            errands.forget_device_request(database, request)
        with database.transaction() as session:
            row = inventory.device_by_code(session, device)
            proposed = commissioning.propose(session, row, reading.survey)
            counts = None
            if apply:
                target = commissioning.target_of(session, credentials, row)
                counts = commissioning.accept(
                    *(session, actor(), row, target, reading.survey, proposed, now())
                )
        if as_json:
            typer.echo(orjson.dumps(_told_reading(reading, proposed), option=orjson.OPT_INDENT_2).decode())
            return
        _tell_reading(reading, loaded)
        out.print(_proposed_table(proposed, loaded.language))
        if counts is None:
            say(
                loaded,
                N_("Nothing was written. To write this: camera-registry commission {code} --apply"),
                code=device,
            )
        else:
            new, changed = counts
            say(
                loaded,
                N_("New eyes: {new}; completed: {changed}. They are asked once they are started."),
                new=new,
                changed=changed,
            )


@device_app.command("changes")
def list_changes() -> None:
    """List the devices with another serial number, whose eyes are not asked until somebody confirms."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        changes = session.execute(
            select(Device.code, DeviceEvent)
            .join(DeviceEvent, DeviceEvent.device_id == Device.id)
            .where(DeviceEvent.kind == Change.SERIAL, DeviceEvent.confirmed_at.is_(None))
            .order_by(DeviceEvent.at)
        ).all()
        heads = (N_("Device"), N_("Since"), N_("Registered"), N_("Answers now"))
        table = Table(*(translate(head, loaded.language) for head in heads))
        for code, event in changes:
            at = moment(event.at, loaded.language, loaded.zone)
            table.add_row(code, at, foreign(event.before), foreign(event.after))
        out.print(table)


@device_app.command("confirm")
def confirm(device: Code) -> None:
    """Say that the device which answers now is the right one; its eyes are asked again."""
    with command() as loaded, changing(loaded) as session:
        row = inventory.device_by_code(session, device)
        confirm_device(session, row, actor(), now())
        say(loaded, N_('The device "{code}" is confirmed.'), code=device)


@login_app.command("retry")
def retry(device: Code) -> None:
    """Have a login that is held back tried again, once whoever knows the password has looked."""
    with command() as loaded, open_database(loaded) as database:
        credentials = open_credentials(loaded, database)
        request = errands.request_device(database, device, Wish.LOGIN, now())
        try:
            answer = _answer(
                database, loaded, credentials, lambda: errands.read_login_answer(database, request, now())
            )
        finally:
            errands.forget_device_request(database, request)
        with database.transaction() as session:
            audit.record(session, actor(), Action.LOGIN_TRIED, f"device:{device}", now())
        if answer.not_before is None:
            say(loaded, N_("The next probe of the device tries its login again."))
        else:
            at = moment(answer.not_before, loaded.language, loaded.zone)
            say(loaded, N_("The device may still be locked: its login is tried again at {time}."), time=at)


def _answer(
    database: Database,
    loaded: Settings,
    credentials: CredentialStore,
    look: Callable[[], T | None],
) -> T:
    """What comes of a request: by whoever asks eyes, by this process where no other does."""

    def monitor() -> Monitor:
        return prepare(database, loaded, credentials, Counters.new(), now, lambda _: None)

    return uvloop.run(errands.wait_for(database, monitor, look))


def _tell_reading(reading: DeviceReading, loaded: Settings) -> None:
    if reading.survey is None:
        why = translate(reason_text(reading.reason), loaded.language)
        say(loaded, N_("ONVIF told nothing: {why} What follows are the usual ways of its maker."), why=why)
        return
    said = reading.survey.identity
    rows = (
        (N_("Manufacturer"), said.manufacturer),
        (N_("Model"), said.model),
        (N_("Firmware"), said.firmware),
        (N_("Serial number"), said.serial),
    )
    table = Table(show_header=False)
    for name, value in rows:
        table.add_row(translate(name, loaded.language), foreign(value))
    for note in reading.survey.notes:
        table.add_row(str(note), translate(reason_text(note), loaded.language))
    out.print(table)


def _proposed_table(proposed: Iterable[Proposed], language: Language) -> Table:
    heads = (N_("Channel"), N_("Eye"), N_("Name"), N_("Stream"), N_("Snapshot"), N_("Picture"), "")
    table = Table(*(translate(head, language) if head else "" for head in heads))
    for each in proposed:
        size = f"{each.codec} {each.width}x{each.height}" if each.width and each.height else each.codec
        state = N_("known, with another path") if each.differs else N_("known") if each.known else N_("new")
        table.add_row(
            str(each.channel),
            each.code,
            foreign(each.name),
            foreign(each.path or "-"),
            foreign(each.snapshot_path or "-"),
            foreign(size),
            translate(state, language),
        )
    return table


def _told_reading(reading: DeviceReading, proposed: Sequence[Proposed]) -> dict[str, Any]:
    survey = reading.survey
    return {
        "reason": reading.reason,
        "identity": survey.identity if survey else None,
        "notes": survey.notes if survey else (),
        "eyes": proposed,
    }


async def _discover(
    hosts: Sequence[str], interface: str, seconds: float, try_ports: bool
) -> tuple[Found, ...]:
    web = Web()
    try:
        return await discovering.search(hosts, interface, try_ports, web, now, seconds=seconds)
    finally:
        await web.close()


def _told(device: Found, codes: Sequence[str]) -> dict[str, Any]:
    return {
        "host": device.host,
        "onvif_port": device.onvif_port,
        "tls": device.tls,
        "name": device.name,
        "hardware": device.hardware,
        "location": device.location,
        "endpoint": device.endpoint,
        "registered": list(codes),
    }


def _table(found: Iterable[Found], registered: Mapping[str, tuple[str, ...]], language: Language) -> Table:
    heads = (N_("Host"), N_("ONVIF port"), N_("Name"), N_("Hardware"), N_("Registered as"))
    table = Table(*(translate(head, language) for head in heads))
    for device in found:
        table.add_row(
            device.host,
            str(device.onvif_port),
            foreign(device.name),
            foreign(device.hardware),
            ", ".join(registered.get(device.host, ())),
        )
    return table
