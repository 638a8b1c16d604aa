"""What an exported model says of itself, for ``gansynth inspect``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gansynth import notebook

if TYPE_CHECKING:
    from gansynth.inference.exported import ExportedSampler

FACTS = {
    "license": "licence of the data",
    "architecture": "architecture",
    "samples": "rows learned",
    "steps": "steps",
    "best_step": "best after steps",
    "score": "score on held-out rows (real rows: 1)",
    "version": "written by gansynth",
    "format_version": "format",
    "noise": "noise",
}
"""What is told, by its name in the metadata."""
MOST_CLASSES = 20


def to_json(model: ExportedSampler) -> str:
    """All that the file says: metadata, inputs and the schema, as JSON."""
    told = {
        "bytes": len(model.artifact.model),
        "meta": model.meta,
        "runs_on": model.runs_on,
        "inputs": {
            name: {"type": kind, "optional": optional}
            for name, (kind, optional) in model.generator.inputs.items()
        },
        "outputs": model.generator.output_names,
        "schema": json.loads(model.schema.to_json()),
    }
    return json.dumps(told, indent=2)


def show(model: ExportedSampler) -> None:
    """Print tables of facts, inputs, classes and columns."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console, schema = Console(), model.schema
    console.print(f"[bold]{escape(notebook.title(schema))}[/bold]")
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_row("size", f"{len(model.artifact.model):,} bytes")
    facts.add_row("precision", model.meta.get("precision", "float32"))
    if schema.is_image:
        facts.add_row("layout", model.meta.get("layout", "nhwc"))
    for name, what in FACTS.items():
        if name in model.meta:
            facts.add_row(what, escape(model.meta[name]))
    facts.add_row("runs here on", ", ".join(model.runs_on))
    for name, (kind, optional) in model.generator.inputs.items():
        facts.add_row(f"input {name}", escape(kind) + ", may be left out" * optional)
    if schema.classes:
        pairs = list(zip(schema.classes, schema.class_counts, strict=True))
        shown = ", ".join(f"{label} ({count:,})" for label, count in pairs[:MOST_CLASSES])
        more = f" and {len(pairs) - MOST_CLASSES:,} more" * (len(pairs) > MOST_CLASSES)
        facts.add_row(f"classes ({model.meta.get('target', 'y')})", escape(shown) + more)
    for text in schema.constraints:
        facts.add_row("constraint", escape(text))
    if schema.dropped:
        facts.add_row("dropped", escape(", ".join(map(str, schema.dropped))))
    console.print(facts)
    if schema.is_image or not schema.columns:
        return
    columns = Table("column", "kind", "dtype", "values", box=SIMPLE_HEAD, pad_edge=False)
    for column in schema.columns:
        cells = (str(column.name), column.kind, column.dtype, notebook.notes(column))
        columns.add_row(*map(escape, cells))
    console.print(columns)
