"""Draws the losses of a training run: python scripts/nuclei_curves.py LOG.jsonl OUT.png"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402

BUCKETS = 150  # points a curve; each is the mean of a stretch of the log


def smooth(values: list[float]) -> list[float]:
    """Means of stretches of equal length, at most BUCKETS of them."""
    length = max(1, len(values) // BUCKETS)
    stretches = [values[i : i + length] for i in range(0, len(values), length)]
    return [sum(stretch) / len(stretch) for stretch in stretches]


def draw_curves(log: str, path: str) -> None:
    """One picture: every training loss over the iterations, and the learning rate below."""
    rows = [json.loads(line) for line in Path(log).read_text().splitlines()]
    iterations = smooth([row["iteration"] for row in rows])
    figure, (top, bottom) = pyplot.subplots(
        2, figsize=(8, 5.5), sharex=True, height_ratios=[4, 1], layout="constrained"
    )
    for name in (key for key in rows[0] if key.startswith("loss")):
        label = name.removeprefix("loss_").replace("loss", "sum")
        top.plot(iterations, smooth([row[name] for row in rows]), label=label, lw=1.2)
    top.set(ylabel="training loss", yscale="log", title="nuclei model")
    top.grid(alpha=0.3, which="both")
    top.legend(ncols=3)
    bottom.plot(iterations, smooth([row["lr"] for row in rows]), color="black", lw=1.2)
    bottom.set(xlabel="iteration", ylabel="learning rate")
    bottom.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    draw_curves(*sys.argv[1:])
