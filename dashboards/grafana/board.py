"""The board of a city as code: what stands on it, from which figures. ``city.json`` is made of it.

``python -m dashboards.grafana.board`` writes the JSON anew. Figures are those of ``deploy/prometheus/rules``
wherever there is one, so that the board shows what alerts look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

JSON: Final = Path(__file__).with_name("city.json")
DATASOURCE: Final = {"type": "prometheus", "uid": "camera-registry"}
SCHEMA: Final = 39  # Grafana 10.4; newer ones migrate it
WIDTH: Final = 24  # columns of a board

GOOD, FAIR, BAD, MUTED = "green", "yellow", "red", "#8e8e8e"
STATES: Final = {
    "up": ("Hoạt động", GOOD),
    "degraded": ("Suy giảm", FAIR),
    "down": ("Mất kết nối", BAD),
    "unknown": ("Chưa xác định", MUTED),
}

# From which value on a number has a colour.
Steps = Sequence[tuple[float | None, str]]
SHARE: Steps = ((None, BAD), (0.8, FAIR), (0.95, GOOD))
NONE_IS_GOOD: Steps = ((None, GOOD), (1, BAD))
NEUTRAL: Steps = ((None, "blue"),)


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; ``legend`` names its series (Grafana's ``{{label}}``)."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """What is shown: ``kind`` is Grafana's name of the panel, ``unit`` that of its format.

    The title is Vietnamese, with the English behind it. ``now``: only the newest values are asked for.
    ``columns``, of a table, are its labels in order with their titles.
    """

    title: str
    kind: str
    queries: tuple[Query, ...]
    width: int
    height: int = 8
    unit: str = "short"
    steps: Steps = NEUTRAL
    now: bool = False
    stacked: bool = False
    most: float | None = None
    names: Mapping[float, str] = field(default_factory=dict)  # of values
    colours: Mapping[str, str] = field(default_factory=dict)  # of series, by what their legends say
    columns: Mapping[str, str] = field(default_factory=dict)


def number(title: str, expr: str, steps: Steps = NEUTRAL, unit: str = "short", width: int = 4) -> Panel:
    return Panel(title, "stat", (Query(expr),), width, height=4, unit=unit, steps=steps, now=True)


def curves(title: str, *queries: Query, unit: str = "short", width: int = 12, **more: Any) -> Panel:
    return Panel(title, "timeseries", queries, width, unit=unit, **more)


def bars(title: str, expr: str, legend: str, width: int = 12) -> Panel:
    """Shares, the worst first."""
    query = Query(f"sort({expr})", legend)
    return Panel(title, "bargauge", (query,), width, unit="percentunit", steps=SHARE, now=True, most=1.0)


def table(title: str, expr: str, columns: Mapping[str, str], width: int = 24, height: int = 10) -> Panel:
    return Panel(title, "table", (Query(expr),), width, height=height, now=True, columns=columns)


PLACED = "group_left (unit, point, name, site) camera_info"
OF_UNIT = 'unit=~"$unit"'

ROWS: Final[Mapping[str, tuple[Panel, ...]]] = {
    "Toàn thành phố · The city": (
        number("Tỷ lệ hoạt động · Working", "city:eyes_working:ratio", SHARE, "percentunit"),
        number("Mất kết nối · Down", 'city:eyes:sum{state="down"}', NONE_IS_GOOD),
        number("Suy giảm · Degraded", 'city:eyes:sum{state="degraded"}', ((None, GOOD), (1, FAIR))),
        number("Chưa xác định · Unknown", 'city:eyes:sum{state="unknown"}', ((None, GOOD), (1, MUTED))),
        number("Chưa từng hoạt động · Never worked yet", 'city:eyes:sum{state="backlog"}'),
        number("Ai cũng xem được · Exposed", "sum(unit:eyes_exposed:count)", NONE_IS_GOOD),
        curves(
            "Mắt camera theo trạng thái · Eyes by state",
            *(Query(f'city:eyes:sum{{state="{state}"}}', name) for state, (name, _) in STATES.items()),
            width=16,
            stacked=True,
            colours=dict(STATES.values()),
        ),
        curves(
            "Sự cố đang mở theo loại · Open incidents by kind",
            Query("camera_registry_incidents", "{{kind}}"),
            width=8,
            stacked=True,
        ),
    ),
    "Theo phường · By ward": (
        bars(
            "Tỷ lệ hoạt động theo phường · Working, by ward",
            f"unit:eyes_working:ratio{{{OF_UNIT}}}",
            "{{unit}}",
        ),
        bars(
            "Hình dùng được theo phường · Usable, by ward", f"unit:eyes_usable:ratio{{{OF_UNIT}}}", "{{unit}}"
        ),
        curves(
            "Mắt mất vì sự cố · Eyes that incidents keep away",
            Query(f'sum by (unit) (unit_eyes_away{{{OF_UNIT},kind!="site"}})', "{{unit}}"),
        ),
        curves(
            "Lý do không tốt của luồng hình · Reasons of streams",
            Query('count by (reason) (camera_reason{check="stream"})', "{{reason}}"),
            stacked=True,
        ),
        table(
            "Mắt mất kết nối lúc này · Eyes that are down now",
            f"(camera_up == 0) + on (eye) {PLACED}{{{OF_UNIT}}}",
            {"unit": "Phường", "point": "Điểm", "eye": "Mắt camera", "name": "Tên", "site": "Khu vực mạng"},
        ),
    ),
    "Hình ảnh, ảnh chụp, đồng hồ · Pictures, snapshots, clocks": (
        curves(
            "Ảnh chụp cũ · Stale snapshots",
            Query(f"unit:snapshots_stale:count{{{OF_UNIT}}}", "{{unit}}"),
            width=8,
        ),
        curves(
            "Đồng hồ sai · Wrong clocks", Query(f"unit:clocks_off:count{{{OF_UNIT}}}", "{{unit}}"), width=8
        ),
        curves(
            "Ai cũng xem được · Exposed", Query(f"unit:eyes_exposed:count{{{OF_UNIT}}}", "{{unit}}"), width=8
        ),
        curves(
            "Đồng hồ lệch · How far clocks are off",
            Query("quantile(0.5, abs(camera_clock_offset_seconds))", "một nửa · median"),
            Query("quantile(0.95, abs(camera_clock_offset_seconds))", "95 %"),
            Query("max(abs(camera_clock_offset_seconds))", "nhiều nhất · most"),
            unit="s",
            width=8,
        ),
        curves(
            "Gói đầu tiên đến sau · Until the first packet",
            Query("quantile(0.5, camera_stream_first_packet_seconds)", "một nửa · median"),
            Query("quantile(0.95, camera_stream_first_packet_seconds)", "95 %"),
            unit="s",
            width=8,
        ),
        curves(
            "Lưu trữ ít nhất theo phường · Least footage, by ward",
            Query(f"min by (unit) (camera_recording_days * on (eye) {PLACED}{{{OF_UNIT}}})", "{{unit}}"),
            unit="d",
            width=8,
        ),
    ),
    "Khu vực mạng và máy giám sát · Sites and the monitor": (
        Panel(
            "Khu vực mạng · Sites",
            "stat",
            (Query("camera_registry_site_lost", "{{site}}"),),
            8,
            steps=NONE_IS_GOOD,
            now=True,
            names={0: "Nghe được · heard", 1: "MẤT LIÊN LẠC · lost"},
        ),
        curves(
            "Mắt quá hạn kiểm tra · Eyes that are overdue",
            Query("camera_registry_eyes_overdue", "{{site}}"),
            width=8,
        ),
        curves(
            "Kiểm tra trễ · Lag of the sweep",
            Query("camera_registry_sweep_lag_seconds", "trễ · lag"),
            unit="s",
            width=8,
        ),
        curves(
            "Kết quả kiểm tra mỗi giây · Verdicts a second",
            Query("monitor:probes:rate5m", "{{check}} {{outcome}}"),
            unit="ops",
            width=8,
        ),
        curves(
            "Đăng nhập mỗi giây · Logins a second",
            Query("monitor:logins:rate5m", "{{outcome}}"),
            unit="ops",
            width=8,
        ),
        curves(
            "Thời gian kiểm tra · How long probes take",
            Query("quantile by (check) (0.95, camera_probe_duration_seconds)", "{{check}} 95 %"),
            unit="s",
            width=8,
        ),
        number(
            "Kết quả mới nhất cách đây · Newest results",
            "monitor:results_age:seconds",
            ((None, GOOD), (300, FAIR), (600, BAD)),
            "s",
        ),
        number("Mật khẩu bị dừng · Stopped credentials", "camera_registry_credentials_stopped", NONE_IS_GOOD),
        number("Phiên đang mở · Sessions open", "camera_registry_sessions_open"),
        number("Kết quả bị từ chối (24 giờ) · Refused", "increase(camera_registry_results_late_total[24h])"),
        number("Cơ sở dữ liệu · Database", "camera_registry_database_bytes", unit="bytes"),
        number(
            "Đĩa còn trống · Free disk",
            "camera_registry_database_free_bytes",
            ((None, BAD), (2e9, FAIR), (10e9, GOOD)),
            "bytes",
        ),
    ),
    "Tin nhắn · Messages": (
        number("Đang chờ · Waiting", 'camera_registry_messages{state="waiting"}'),
        number("Được giữ lại · Held", 'camera_registry_messages{state="held"}'),
        number("Không gửi được · Given up", 'camera_registry_messages{state="dead"}', NONE_IS_GOOD),
        number("Kênh hỏng · Failing channels", 'camera_registry_channels{state="failing"}', NONE_IS_GOOD),
        number(
            "Tin cũ nhất quá hạn · Oldest is overdue by",
            "clamp_min(time() - camera_registry_message_oldest_due_timestamp_seconds, 0)",
            ((None, GOOD), (300, FAIR), (900, BAD)),
            "s",
        ),
        number(
            "Đã đọc sự cố cách đây · Incidents were read",
            "time() - camera_registry_alerts_routed_timestamp_seconds",
            ((None, GOOD), (300, FAIR), (900, BAD)),
            "s",
        ),
        curves(
            "Gửi tin trong một giờ · Tries to send within an hour",
            Query(
                "sum by (channel_kind, outcome) (increase(camera_registry_messages_total[1h]))",
                "{{channel_kind}} {{outcome}}",
            ),
            width=24,
        ),
    ),
}


def board() -> dict[str, Any]:
    """The board as Grafana reads it."""
    return {
        "uid": "camera-city",
        "title": "Camera của thành phố · The city's cameras",
        "tags": ["camera-registry"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # one cross-hair over all panels
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "weekStart": "monday",
        "templating": {"list": [_units()]},
        "annotations": {"list": [_firing()]},
        "panels": list(_panels()),
    }


def queries() -> Iterator[Query]:
    """Everything that the board asks Prometheus, but for its list of wards."""
    for panels in ROWS.values():
        for panel in panels:
            yield from panel.queries


def _units() -> dict[str, Any]:
    """Which wards are shown: all of them until somebody chooses."""
    return {
        "name": "unit",
        "label": "Phường · Ward",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": "label_values(unit_eyes, unit)", "refId": "units"},
        "definition": "label_values(unit_eyes, unit)",
        "refresh": 2,  # when the time that is shown changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
    }


def _firing() -> dict[str, Any]:
    """Alerts as lines in the curves."""
    return {
        "name": "Cảnh báo · Alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": BAD,
        "expr": 'ALERTS{alertstate="firing",severity=~"critical|warning"}',
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{unit}}{{site}}",
    }


def _panels() -> Iterator[dict[str, Any]]:
    """All panels with their places: rows from the left, each as high as its highest panel."""
    ids, top = iter(range(1, 1000)), 0
    for title, panels in ROWS.items():
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        yield {
            "id": next(ids),
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        top += 1
        left = height = 0
        for panel in panels:
            if left + panel.width > WIDTH:
                left, top, height = 0, top + height, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": next(ids), "gridPos": place, **_drawn(panel)}
            left, height = left + panel.width, max(height, panel.height)
        top += height


def _drawn(panel: Panel) -> dict[str, Any]:
    drawn = {
        "type": panel.kind,
        "title": panel.title,
        "datasource": DATASOURCE,
        "targets": [_target(query, panel, n) for n, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": _defaults(panel),
            "overrides": [_coloured(*pair) for pair in panel.colours.items()],
        },
        "options": _options(panel),
    }
    if panel.columns:
        drawn["transformations"] = [_arranged(panel.columns)]
    return drawn


def _target(query: Query, panel: Panel, n: int) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + n),
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": panel.now,
        "range": not panel.now,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in panel.steps],
        },
        "noValue": "–",
    }
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.names:
        shown = {
            str(value): {"text": text, "index": n} for n, (value, text) in enumerate(panel.names.items())
        }
        defaults["mappings"] = [{"type": "value", "options": shown}]
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "lineWidth": 1,
            "fillOpacity": 60 if panel.stacked else 5,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "spanNulls": False,  # what was not known stays a gap
            "showPoints": "never",
        }
    else:
        defaults["color"] = {"mode": "thresholds"}
    return defaults


def _coloured(series: str, colour: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": series},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def _options(panel: Panel) -> dict[str, Any]:
    newest = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {
                "reduceOptions": newest,
                "colorMode": "background",
                "graphMode": "none",
                "textMode": "auto",
            }
        case "bargauge":
            return {"reduceOptions": newest, "orientation": "horizontal", "displayMode": "basic"}
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}
        case _:
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _arranged(columns: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(("Time", "Value", "instance", "job"), True),
            "indexByName": {name: n for n, name in enumerate(columns)},
            "renameByName": dict(columns),
        },
    }


def as_json() -> bytes:
    """What ``city.json`` holds."""
    return orjson.dumps(board(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    JSON.write_bytes(as_json())
