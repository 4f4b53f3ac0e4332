"""A report for programs: figures as they are, in the order of the report (``docs/report.schema.json``)."""

from datetime import date, datetime
from typing import Any

import orjson

from camera_registry.money import Sum
from camera_registry.reports.value import Facts, Part, Report, Strips, Table, Text, Value

SCHEMA = "camera-registry/report/1"


def draw(report: Report) -> bytes:
    """UTF-8, indented. A share is 0 to 1, a length seconds, a sum ``{"known": đồng, "unknown": parts}``."""
    head = report.head
    document = {
        "schema": SCHEMA,
        "kind": report.kind.value,
        "name": report.name,
        "title": report.title,
        "about": report.about,
        "language": report.language,
        "zone": str(report.zone),
        "as_of": report.as_of.isoformat(),
        "synthetic": report.synthetic,
        "mark": report.mark,
        "number": report.number,
        "dated": None if report.dated is None else report.dated.isoformat(),
        "grounds": report.grounds,
        "head": {
            "parent": head.parent,
            "body": head.body,
            "symbol": head.symbol,
            "place": head.place,
            "authority": head.authority,
            "signer_title": head.signer_title,
            "signer": head.signer,
            "recipients": head.recipients,
        },
        "parts": [_part(part) for part in report.parts],
        "annex": None
        if report.annex is None
        else {"title": report.annex.title, "parts": [_part(part) for part in report.annex.parts]},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _part(part: Part) -> dict[str, Any]:
    about = {"key": part.key, "title": part.title}
    match part:
        case Text():
            return {"type": "text", **about, "paragraphs": part.paragraphs}
        case Facts():
            facts = [
                {
                    "key": each.key,
                    "title": each.title,
                    "measure": each.measure.value,
                    "value": _value(each.value),
                    "note": each.note,
                }
                for each in part.facts
            ]
            return {"type": "facts", **about, "facts": facts}
        case Table():
            return {
                "type": "table",
                **about,
                "columns": [
                    {"key": each.key, "title": each.title, "measure": each.measure.value}
                    for each in part.columns
                ],
                "rows": [[_value(value) for value in row] for row in part.rows],
                "total": None if part.total is None else [_value(value) for value in part.total],
                "notes": part.notes,
            }
        case Strips():
            return {
                "type": "strips",
                **about,
                "first": part.first.isoformat(),
                "last": part.last.isoformat(),
                "legend": dict(part.legend),
                "strips": [
                    {
                        "label": each.label,
                        "told": each.told,
                        "runs": [
                            {"state": run.state, "start": run.start, "end": run.end} for run in each.runs
                        ],
                    }
                    for each in part.strips
                ],
            }


def _value(value: Value) -> object:
    match value:
        case Sum():
            return {"known": value.known, "unknown": value.unknown}
        case datetime() | date():
            return value.isoformat()
    return value
