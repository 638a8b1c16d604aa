"""The page: headings, tables and figures, for eyes, for phones, in the dark, and for ears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

CSS = """
:root{color-scheme:light dark;--ink:#1b2733;--soft:#4a5865;--paper:#fff;--line:#c9d1d9;
--shade:#f2f5f7;--link:#9a3412}
@media(prefers-color-scheme:dark){:root{--ink:#dfe6ec;--soft:#a9b6c2;--paper:#12181e;--line:#3a4650;
--shade:#1b242c;--link:#fdba74}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;
border-top:1px solid var(--line);padding-top:1rem}
p{max-width:46rem}.verdict{font-size:1.15rem;background:var(--shade);
border-left:.3rem solid #c2410c;padding:.7rem 1rem;max-width:none}
.soft,caption,figcaption{color:var(--soft)}a{color:var(--link)}
nav ul{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.3rem 0}th,td{padding:.25rem .6rem;text-align:left;
border-bottom:1px solid var(--line)}thead th{vertical-align:bottom}
td.number,th.number{text-align:right}
figure{margin:0}img{max-width:100%;height:auto;display:block}figcaption{font-size:.9rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:1.2rem}
.wide{margin:1rem 0}.wide img{min-width:44rem}
.two{grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))}
dt{font-weight:600}dd{margin:0 0 .4rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
"""


def page(title: str, verdict: str, sections: Sequence[tuple[str, str]]) -> str:
    """Put a page together.

    Parameters
    ----------
    title : str
        Its heading.
    verdict : str
        What it comes to, in a few sentences.
    sections : sequence of (str, str)
        Headings, and HTML below them; those without any are left out.

    Returns
    -------
    str
        HTML that needs nothing else.
    """
    kept = [(heading, body) for heading, body in sections if body]
    links = "".join(
        f'<li><a href="#{_anchor(heading)}">{escape(heading)}</a></li>' for heading, _ in kept
    )
    bodies = "".join(
        f'<section aria-labelledby="{_anchor(heading)}"><h2 id="{_anchor(heading)}">'
        f"{escape(heading)}</h2>{body}</section>\n"
        for heading, body in kept
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head><body>"
        '<a class="skip" href="#verdict">Skip to the verdict</a>'
        f"<header><h1>{escape(title)}</h1>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>'
        f'<main><p class="verdict" id="verdict">{escape(verdict)}</p>\n{bodies}</main>'
        "</body></html>\n"
    )


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def figure(image: str, caption: str, *, wide: bool = False) -> str:
    """A picture with a caption below it; a wide one scrolls on a phone."""
    kind = ' class="wide"' if wide else ""
    shown = _scrolling(caption, image) if wide else image
    return f"<figure{kind}>{shown}<figcaption>{escape(caption)}</figcaption></figure>"


def grid(figures: Iterable[str], *, twos: bool = False) -> str:
    """Figures side by side, as many as there is room for; in twos, if they belong together."""
    return f'<div class="grid{" two" if twos else ""}">{"".join(figures)}</div>'


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first cell of a row is its head, and floats stand to the right.

    Parameters
    ----------
    caption : str
        What it tells.
    heads : sequence of str
        Of the columns.
    rows : iterable of sequences
        Cells: floats get three decimals, other objects are written as they are.

    Returns
    -------
    str
        HTML, that scrolls where it is too wide.
    """
    cells = [list(row) for row in rows]
    right = [
        i > 0 and any(isinstance(row[i], float | int) for row in cells) for i in range(len(heads))
    ]
    classes = [' class="number"' if at_right else "" for at_right in right]
    top = "".join(
        f'<th scope="col"{kind}>{escape(head)}</th>'
        for head, kind in zip(heads, classes, strict=True)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(_written(row[0]))}</th>'
        + "".join(
            f"<td{kind}>{escape(_written(cell))}</td>"
            for cell, kind in zip(row[1:], classes[1:], strict=True)
        )
        + "</tr>"
        for row in cells
    )
    return _scrolling(
        caption,
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table>",
    )


def _scrolling(name: str, html: str) -> str:
    """What scrolls has to be within reach of the keyboard, and named."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(name)}">{html}</div>'


def _written(cell: object) -> str:
    if isinstance(cell, float):
        return "–" if cell != cell else f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def _anchor(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in heading.lower())
