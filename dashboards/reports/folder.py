"""Reports as a folder of pages to be published elsewhere: an index, a page each, no script, nothing loaded.

It is copied to where residents look, or put on a stick: nobody from outside asks the registry itself.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from camera_registry import i18n
from camera_registry.i18n import N_, collation_key
from camera_registry.reports.value import Format, Report
from dashboards.rendering import environment
from dashboards.reports import file_name, page, words

INDEX = "index.html"


def pages(title: str, reports: Sequence[Report]) -> Mapping[str, bytes]:
    """The files by their names. Raises ``ValueError`` if there is no report, or if two have one name.

    Of codes that differ in signs alone that no file name takes, or in case, which not every system tells
    apart, the first keeps the name, and those behind it are numbered.
    """
    if not reports or len({report.name for report in reports}) < len(reports):
        raise ValueError("reports of one folder have names of their own")
    named = _named(reports)
    first = reports[0]
    whole, *others = named.items()  # the page of all stands first, as it was handed in
    listed = [whole, *sorted(others, key=lambda item: collation_key(item[1].about or item[1].title))]
    index = (
        environment()
        .get_template("report_index.html")
        .render(
            title=title,
            language=first.language,
            listed=listed,
            made=words.made(first),
            synthetic=words.say(first, words.SYNTHETIC) if first.synthetic else "",
            style=page.style(),
        )
    )
    back = i18n.translate(N_("All pages"), first.language)
    drawn = {name: page.alone(report, INDEX, back) for name, report in named.items()}
    return {INDEX: index.encode(), **drawn}


def _named(reports: Sequence[Report]) -> Mapping[str, Report]:
    wanted: dict[str, list[Report]] = {}
    for report in sorted(reports, key=lambda each: each.name):
        wanted.setdefault(file_name(report, Format.HTML).casefold(), []).append(report)
    taken = {INDEX, *wanted}
    named = {}
    for plain, same in wanted.items():
        for report in same if plain == INDEX else same[1:]:
            name = Path(file_name(report, Format.HTML))
            numbered = (f"{name.stem}-{number}{name.suffix}" for number in count(2))
            free = next(each for each in numbered if each.casefold() not in taken)
            taken.add(free.casefold())
            named[free] = report
        if plain != INDEX:
            named[file_name(same[0], Format.HTML)] = same[0]
    return named


def publish(folder: Path, title: str, reports: Sequence[Report]) -> Sequence[Path]:
    """Write ``pages`` into a folder, which is made if there is none; other files in it stay."""
    files = pages(title, reports)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        written.append(path)
    return written
