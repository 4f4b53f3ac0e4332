"""Draws the benchmark as one picture: a panel a stream, a bar a method, on a logarithmic scale."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

LABELS = {
    "liveness": "ours, liveness",
    "decoded": "ours, decoded",
    "deep": "ours, deep (RTP watched for 2 s)",
    "aiortsp": "aiortsp (not decoded)",
    "pyav": "PyAV",
    "opencv": "OpenCV VideoCapture",
    "ffprobe": "ffprobe",
}
OURS, OTHERS = "#0b6e4f", "#9aa5ad"


def draw(medians: dict[str, dict[str, float]], path: Path) -> None:
    """``medians`` holds CPU milliseconds per stream and method."""
    figure, panels = pyplot.subplots(2, 2, figsize=(11, 6), sharex=True, layout="constrained")
    for panel, (stream, methods) in zip(panels.flat, medians.items(), strict=True):
        names = list(LABELS)[::-1]
        values = [methods[name] for name in names]
        colours = [OURS if LABELS[name].startswith("ours") else OTHERS for name in names]
        bars = panel.barh([LABELS[name] for name in names], values, color=colours)
        panel.bar_label(bars, [f"{value:.3g}" for value in values], padding=3)
        panel.set_xscale("log")
        panel.set_xlim(0.1, 2 * max(max(found.values()) for found in medians.values()))
        panel.set_title(stream, loc="left")
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[-1]:
        panel.set_xlabel("CPU per probe, ms (median; logarithmic)")
    figure.suptitle("What one probe costs")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
