"""Where one can go: the pages that the head of every page names, as far as the reader may see them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import quote

from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the head. ``first``: it keeps its place on a telephone, where the others stand behind "More".

    Shown to whoever has one of ``permissions``. ``also`` has a page that belongs to it and stands elsewhere.
    """

    address: str
    words: str
    permissions: frozenset[Permission]
    first: bool = False
    also: str = ""


_P = Permission
_ANYBODY = frozenset({_P.VIEW})

PLACES = (
    Place("/", N_("Today"), _ANYBODY, first=True),
    Place("/incidents", N_("Incidents"), _ANYBODY, first=True),
    Place("/map", N_("Map"), _ANYBODY, first=True),
    Place("/eyes", N_("Eyes"), _ANYBODY, first=True),
    Place("/availability", N_("Availability"), _ANYBODY),
    Place("/maintenance", N_("Maintenance"), _ANYBODY),
    Place("/money", N_("Funds"), frozenset({_P.FUNDING})),
    Place("/repairs", N_("Repairs"), _ANYBODY),
    Place("/reports", N_("Reports"), _ANYBODY),
    Place("/alerts", N_("Alerts"), _ANYBODY),
    Place("/registry", N_("Registry"), frozenset({_P.REGISTER, _P.MONEY, _P.TELL}), also="/baselines"),
    Place("/audit", N_("Audit"), frozenset({_P.AUDIT})),
    Place("/users", N_("Users"), frozenset({_P.PEOPLE})),
)


def places(may: Callable[[Permission], bool]) -> Collection[Place]:
    """The pages of whoever ``may``."""
    return [place for place in PLACES if any(map(may, place.permissions))]


def page_of(kind: str, name: str) -> str:
    """The address of the page of an eye, a point, …, by what a deed calls it; empty where it has none."""
    return f"{_PAGES[kind]}{quote(name, safe='')}" if kind in _PAGES else ""


_PAGES = {
    "eye": "/eyes/",
    "point": "/points/",
    "incident": "/incidents/",
    "unit": "/units/",
    "maintenance": "/maintenance#window-",
    "repair": "/repairs/",
    "money": "/money/entries/",
    "programme": "/money?programme=",
    "contributor": "/money?contributor=",
    "document": "/money/documents/",
    "proposal": "/proposals/",
    "month": "/availability?period=",
}


def current(path: str) -> str:
    """The address of the place that ``path`` belongs to; empty where it is none of them."""
    for place in PLACES:
        if path in (place.address, place.also) or path.startswith(f"{place.address}/"):
            return place.address
    return ""
