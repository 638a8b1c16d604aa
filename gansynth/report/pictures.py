"""Pictures for a page: drawn by matplotlib, in the ink of the page, with a text for who can't see.

They are images with their data in their address, so that the page needs no other file, and in the
dark they are drawn in light ink.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#010203"
"""What stands for the colour of text while a picture is drawn."""

STYLE: Any = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
    "svg.fonttype": "path",  # as drawn, whatever fonts the reader has
    "svg.hashsalt": "gansynth",  # equal pages of equal rows
}
INKS = "<style>:root{--ink:#1b2733}@media(prefers-color-scheme:dark){:root{--ink:#dfe6ec}}</style>"


def picture(draw: Callable[[Any], Any], alt: str, size: tuple[float, float]) -> str:
    """Draw a picture.

    Parameters
    ----------
    draw : callable
        Given axes to draw on.
    alt : str
        What is to be seen.
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    str
        An ``<img>`` element.
    """
    file = io.StringIO()
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": mpl.rcParams["backend"], **STYLE}):
        figure = Figure(figsize=size, dpi=110, layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "var(--ink)")
    svg = re.sub(r"<metadata>.*?</metadata>", INKS, svg, count=1, flags=re.DOTALL)
    data = base64.b64encode(svg.encode()).decode()
    width, height = (round(110 * side) for side in size)
    return (
        f'<img src="data:image/svg+xml;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(alt)}">'
    )
