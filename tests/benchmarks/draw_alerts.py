"""Draws a year of messages: how many eyes fell, what each ward was told, and what the city desk was told."""

from datetime import timedelta
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import MaxNLocator

from tests.replay.city import ZONE
from tests.replay.warned import Warned

TOLD = ("#f4f6f7", "#a8d5c2", "#3d9970", "#0b4f3a", "#c0392b")  # none, one, two, three, more


def draw(year: Warned, path: Path) -> None:
    shape = year.city.shape
    days = [shape.first + timedelta(days=n) for n in range(shape.days)]
    along = np.arange(shape.days)
    wards = year.preview.wards
    told = np.array([[ward.by_day(ZONE).get(day, 0) for day in days] for ward in wards])
    figure, (fell, each, desk) = pyplot.subplots(
        3, 1, figsize=(13, 7), sharex=True, layout="constrained", height_ratios=(1.2, 3, 1)
    )
    fell.bar(along, [year.fallen.get(day, 0) for day in days], width=1.0, color="#9aa5ad")
    fell.set_yscale("symlog", linthresh=10)
    fell.set_ylabel("eyes that fell")
    fell.annotate(
        "flood", (days.index(shape.flood), max(year.fallen.values())), xytext=(-8, -4),
        textcoords="offset points", ha="right", va="top",
    )  # fmt: skip
    colours = ListedColormap(TOLD)
    drawn = each.pcolormesh(
        np.append(along, along[-1] + 1) - 0.5, np.arange(len(wards) + 1), told,
        cmap=colours, norm=BoundaryNorm(np.arange(len(TOLD) + 1) - 0.5, len(TOLD)),
    )  # fmt: skip
    each.set_yticks(np.arange(len(wards)) + 0.5, [ward.name for ward in wards])
    each.invert_yaxis()
    each.hlines(range(1, len(wards)), along[0] - 0.5, along[-1] + 0.5, colors="white", linewidth=2)
    each.set_ylabel("messages to a ward, per day")
    bar = figure.colorbar(drawn, ax=each, ticks=range(len(TOLD)), pad=0.01)
    bar.ax.set_yticklabels(["none", "1", "2", "3", "more"])
    at_desk = year.preview.city.by_day(ZONE)
    desk.bar(along, [at_desk.get(day, 0) for day in days], width=1.0, color="#0b6e4f")
    desk.set_ylabel("city desk")
    desk.yaxis.set_major_locator(MaxNLocator(integer=True))
    months = [n for n, day in enumerate(days) if day.day == 1]
    desk.set_xticks(months, [f"{days[n]:%b}" for n in months], ha="left")
    for panel in (fell, each, desk):
        panel.set_xlim(along[0] - 0.5, along[-1] + 0.5)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"A made-up year of {shape.eyes} eyes: {sum(year.fallen.values()):,} outages, "
        f"{told.sum()} messages to {len(wards)} wards"
    )
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
