"""One device entered by hand: an inventory of one row, checked, sealed and written down as any other."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.imports.columns import BY_FIELD
from camera_registry.imports.difference import difference
from camera_registry.imports.faults import Problem, column_letter
from camera_registry.imports.load import examine
from camera_registry.imports.plan import Options
from camera_registry.imports.recording import record_things
from camera_registry.imports.workbook import Sheet
from camera_registry.imports.write import write_plan
from camera_registry.models import Device

# What is asked of a device that answered; its eyes come from what it says of itself.
FIELDS = (
    *("point_code", "device_code", "kind", "manufacturer", "model"),
    *("host", "port", "onvif_port", "web_port", "site"),
    *("credential", "user", "password"),
)


def add_device(
    session: Session,
    credentials: CredentialStore,
    actor: Actor,
    said: Mapping[str, str],
    options: Options,
    now: datetime,
    *,
    reason: str,
) -> tuple[str, dict[str, Problem]]:
    """Enter a device without eyes. Returns its code, or what is wrong by field, and then nothing is written.

    ``said`` gives texts by ``FIELDS``, as a person typed them; a blank one says nothing, and a device without
    a code is given the next of its point.
    """
    if not said.get("device_code"):
        said = {**said, "device_code": _next_code(session, said.get("point_code", ""))}
    fields = [name for name in FIELDS if said.get(name)]
    heads = [BY_FIELD[name].en for name in (*fields, "count")]
    sheet = Sheet("", [[*heads], [*(said[name] for name in fields), 0]])
    mapping = dict(zip(heads, (*fields, "count"), strict=True))  # whatever files have had remembered
    examined = examine(session, [sheet], options, now, mapping=mapping)
    if examined.problems:
        at = {column_letter(number): name for number, name in enumerate(fields)}
        return "", {at.get(problem.column, "point_code"): problem for problem in examined.problems}
    found = difference(examined.plan)
    write_plan(session, credentials, examined.plan, options, now)
    record_things(session, actor, found, now, reason)
    return examined.plan.points[0].devices[0].code, {}


def _next_code(session: Session, point: str) -> str:
    taken = {code.casefold() for code in session.scalars(select(Device.code))}
    codes = (f"{point}-D{number}" for number in count(1))
    return next(code for code in codes if code.casefold() not in taken)
