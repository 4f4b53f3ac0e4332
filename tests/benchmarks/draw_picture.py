"""Draws the confusion matrix of the picture checks."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot


def draw(found: dict[str, Any], path: Path) -> None:
    """``found`` is what ``picture.json`` holds."""
    confusion = found["confusion"]
    series = np.array(confusion["series"], float)
    share = series / series.sum(axis=1, keepdims=True)
    figure, axes = pyplot.subplots(figsize=(10, 6.5), layout="constrained")
    axes.imshow(share, cmap="Greens", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(series.shape):
        if series[row, column]:
            text = f"{series[row, column]:.0f}\n{100 * share[row, column]:.4g} %"
            colour = "white" if share[row, column] > 0.6 else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    names = [name.removeprefix("PICTURE_").removesuffix("_PICTURE") for name in confusion["called"]]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), confusion["shown"])
    axes.set_xlabel("called, after three pictures in a row")
    axes.set_ylabel("shown")
    axes.spines[:].set_visible(False)
    frames = found["labelled_frames"]
    figure.suptitle(f"Picture checks: {frames:,} frames in {series.sum():,.0f} series – {found['frames']}")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
