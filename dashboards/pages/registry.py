"""The desk of the registry: what waits for a person, what can be done; points whose place is not known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from camera_registry import to_do
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_
from camera_registry.to_do import ToDo, Unplaced
from dashboards import tables
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.rendering import page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page

_P = Permission

router = APIRouter(prefix="/registry", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits, or that can be done, for whoever has the permission.

    ``count`` says how many wait; ``whole`` is for those alone who see the whole city.
    """

    address: str
    words: str
    about: str
    permission: Permission
    count: Callable[[ToDo], int] | None = None
    whole: bool = False


WAITING = (
    Task(
        "/registry/devices",
        N_("Devices with another serial number"),
        N_("Another device answers. Its eyes are not asked until somebody confirms it."),
        _P.REGISTER,
        lambda waits: waits.devices,
    ),
    Task(
        "/eyes?standing=not_started",
        N_("Eyes not started"),
        N_("They are registered, and nobody has asked them yet."),
        _P.REGISTER,
        lambda waits: waits.not_started,
    ),
    Task(
        "/baselines",
        N_("Baselines to approve"),
        N_("What an eye usually sees, proposed from its pictures: a person approves it."),
        _P.REGISTER,
        lambda waits: waits.baselines,
    ),
    Task(
        "/registry/reported",
        N_("Reports that run out"),
        N_("Eyes that no network reaches: nobody has said in time how they are."),
        _P.TELL,
        lambda waits: waits.reports,
    ),
    Task(
        "/registry/custody",
        N_("Points not handed over"),
        N_("Nobody has them, or not in form: nobody pays for their repair."),
        _P.VIEW,
        lambda waits: waits.not_handed_over,
    ),
    Task(
        "/money/waiting",
        N_("Funding entries to approve"),
        N_("Somebody entered them; they count once another person approves them."),
        _P.APPROVE,
        lambda waits: waits.unapproved,
    ),
    Task(
        "/money/basis",
        N_("Points with missing basis"),
        N_("No money can be asked for to repair them until it is on record."),
        _P.FUNDING,
        lambda waits: waits.unfounded,
    ),
    Task(
        "/registry/unplaced",
        N_("Points without unit or position"),
        N_("They are missing on the map or in the figures of a unit."),
        _P.REGISTER,
        lambda waits: waits.unplaced,
    ),
    Task(
        "/registry/grades",
        N_("Pictures never graded"),
        N_("A person's eye on whether a picture can be used."),
        _P.TELL,
        lambda waits: waits.ungraded,
    ),
    Task(
        "/alerts/channels",
        N_("Channels over which nothing arrives"),
        N_("Whoever should hear of incidents there hears nothing."),
        _P.ALERTS,
        lambda waits: waits.failing,
    ),
    Task(
        "/alerts?channel=all&state=dead",
        N_("Messages that were given up"),
        N_("Tried for half a day, of the last seven days. They can be sent again."),
        _P.ALERTS,
        lambda waits: waits.dead,
    ),
    Task(
        "/repairs?state=reported",
        N_("Repairs nobody has decided about"),
        N_("Something is broken, and it is not said yet who mends it, and who pays."),
        _P.REPAIR,
        lambda waits: waits.broken,
    ),
    Task(
        "/repairs?state=waiting_for_money",
        N_("Repairs that wait for money"),
        N_("Ask for it in a proposal, or record who pays."),
        _P.REPAIR,
        lambda waits: waits.unpaid,
    ),
)
DEEDS = (
    Task(
        "/registry/import",
        N_("Import an inventory"),
        N_("A workbook or CSV, looked at cell by cell before it is written."),
        _P.REGISTER,
        whole=True,
    ),
    Task(
        "/registry/discovery",
        N_("Find devices"),
        N_("What answers in a site's network, and what of it is not registered."),
        _P.REGISTER,
        whole=True,
    ),
    Task(
        "/registry/start",
        N_("Start probing"),
        N_("A site's eyes are asked for the first time, slowly, after a forecast."),
        _P.REGISTER,
        whole=True,
    ),
    Task(
        "/eyes",
        N_("Change eyes, devices and points"),
        N_("Choose them in the list; one or many at once, with one reason."),
        _P.REGISTER,
    ),
    Task(
        "/registry/custody/present",
        N_("Custody of points"),
        N_("Managers, who pays for power and line, since when, on which paper."),
        _P.VIEW,
    ),
)

UNPLACED: Sequence[Column[Unplaced]] = (
    Column("point", N_("Point code"), lambda row: row.code),
    Column("name", N_("Point"), lambda row: row.name),
    Column("unit", N_("Unit"), lambda row: row.unit),
    Column("eyes", N_("Eyes"), lambda row: row.eyes),
)


@router.get("", dependencies=[may(Permission.VIEW)])
def overview(desk: AtDesk, request: Request) -> HTMLResponse:
    """What the reader may do, with what waits first."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        waits = to_do.to_do(session, desk.scope, reader.now, reader.zone)
    everywhere = desk.scope.unit_ids is None
    allowed = [
        task for task in (*WAITING, *DEEDS) if desk.may(task.permission) and (everywhere or not task.whole)
    ]
    counted = [(task, task.count(waits)) for task in allowed if task.count]
    return page(
        request,
        desk,
        "registry.html",
        reader=reader,
        revision=revision,
        waiting=[(task, count) for task, count in counted if count],
        settled=[task for task, count in counted if not count],
        deeds=[task for task in allowed if not task.count],
    )


@router.get("/unplaced", dependencies=[may(Permission.REGISTER)])
def unplaced(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    """Points in use without a unit, or without a position."""
    reader = reader_of(request, desk)
    position: Column[Unplaced] = Column(
        "position", N_("Position"), lambda row: reader.say(N_("known") if row.positioned else N_("missing"))
    )
    columns = (*UNPLACED, position)
    with desk.database.reading() as session:
        rows = to_do.unplaced(session, desk.scope, reader.now, reader.zone)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "unplaced", columns, found, reader)
    return page(
        request,
        desk,
        "unplaced.html",
        reader=reader,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: row.code, wanted, ROWS),
        waiting=len(rows),
    )
