"""A picture for the page: the cost of a frame to each server, against the load, drawn by matplotlib."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests.bench import peers
from tests.bench.echo import EchoResults, Load

__all__ = ["PICTURE", "SHOWN", "draw", "missing"]

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.svg"

SHOWN = {
    peers.OURS: ("o", "-", "tab:blue"),
    peers.NATIVE: ("o", "-", "tab:green"),
    peers.BASELINE: ("s", "--", "tab:red"),
    "asyncio.Protocol": ("^", ":", "tab:gray"),
    peers.UVLOOP: ("^", "--", "tab:orange"),
    "a thread for each connection": ("v", ":", "tab:brown"),
    peers.LIMIT: ("x", ":", "black"),
}
"""The peers that the picture needs, and the style of each."""


def missing() -> str | None:
    """Return the reason why nothing can be drawn here, or None."""
    return None if find_spec("matplotlib") else "matplotlib is not installed"


def draw(results: EchoResults, loads: tuple[Load, ...], picture: Path) -> None:
    """Draw the CPU for a frame in ping-pong against the number of connections."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "tcpcomm"  # so that the same figures make the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    shown = [load for load in loads if load.window == 1 and load.title in results.figures]
    for name, (marker, line, colour) in SHOWN.items():
        points = [
            (load.connections, results.figures[load.title][name].cpu.median)
            for load in shown
            if name in results.figures[load.title]
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker=marker, linestyle=line, color=colour, label=name)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="connections in ping-pong",
        ylabel="server's CPU for a frame, µs",
        xticks=[load.connections for load in shown],
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_yticks([5, 10, 20, 50, 100, 200])
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(picture, metadata={"Date": None})
    pyplot.close(figure)
