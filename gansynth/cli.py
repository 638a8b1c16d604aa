"""The command ``gansynth``.

What a command needs is imported when it runs: TensorFlow takes seconds to import, and most
commands do without.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import gansynth

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a bug's traceback is for a report, as Python prints it
)


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what is wrong with a user's input in one line, and exit with code 1.

    Anything that isn't the input's fault is a bug, and traces back.
    """
    from gansynth.registry import ArchitectureError

    try:
        yield
    except (
        ArchitectureError,
        FloatingPointError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        if _is_bug(error):
            raise
        typer.echo(f"gansynth: {_in_one_line(error)}", err=True)
        raise typer.Exit(1) from None


def _is_bug(error: Exception) -> bool:
    """Whether an error is of a kind that refuses input, but does not.

    Data of the wrong type are refused by `containers`, and models that can't be run by
    `inference`. What comes out of TensorFlow comes too late to be about the input.
    """
    frames = traceback.walk_tb(error.__traceback__)
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in frames]
    if type(error) is TypeError:  # scikit-learn's refusals of a parameter are ValueErrors too
        return not modules[-1].startswith("gansynth.containers")
    if isinstance(error, RuntimeError):
        return not modules[-1].startswith("gansynth.inference")
    return any(module.partition(".")[0] in ("keras", "tensorflow") for module in modules)


def _in_one_line(error: Exception) -> str:
    told = str(error)
    if isinstance(error, OSError) and error.strerror:
        told = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(told.split())


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gansynth {gansynth.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Learn the distribution of a table, of points or of images, and draw new rows."""


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")] = Path(
        "gansynth-demo"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Train for a few steps only: a trial, not a result.")
    ] = False,
) -> None:
    """Learn a table, points and images that come with scikit-learn, in under three minutes."""
    with _refusals():
        output.mkdir(parents=True, exist_ok=True)

    from gansynth.demo import run

    run(output, quick=quick)


@app.command()
def fit(
    data: Annotated[
        Path,
        typer.Argument(
            help="A .csv or .parquet table, .npy or .npz arrays (X), or a folder of images, "
            "with a folder in it for each class if there are classes."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
    architecture: Annotated[
        str, typer.Option("--architecture", "-a", help="One of `gansynth architectures`.")
    ] = "auto",
    target: Annotated[
        str | None,
        typer.Option(help="Column (or array) of class labels, to sample by class later."),
    ] = None,
    column_type: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TYPE",
            help="What a column is taken for, such as zip=category, code=identifier or notes=drop; "
            "once for each column. [default: by what it holds]",
        ),
    ] = None,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Resize a folder's images to this height and width."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps. [default: the architecture's]")
    ] = None,
    max_time: Annotated[
        float | None, typer.Option(help="Seconds after which training stops.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Real rows a step. [default: the architecture's]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same model.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Learn the rows of a file, or a folder of images, and write an .onnx file to draw from."""
    with _refusals():
        from gansynth import atomic, datafiles

        datafiles.check_suffix(output, (".onnx",))
        atomic.check_target(output)  # better now than when training has ended
        column_types = _column_types(column_type or [])
        X, y = _read(data, target, size)

    from gansynth import GANSampler

    sampler = GANSampler(
        architecture,
        column_types=column_types,
        steps="auto" if steps is None else steps,
        max_time=max_time,
        batch_size="auto" if batch_size is None else batch_size,
        random_state=seed,
        verbose=int(sys.stdout.isatty() and not quiet),
    )
    with _refusals():
        sampler.fit(X, y)
        sampler.to_onnx(output)
    if not quiet:
        typer.echo(
            f"{output}: {sampler.architecture_name_} learned {len(X):,} rows in "
            f"{sampler.n_steps_:,} steps, {sampler.history_['seconds'][-1]:.0f} s."
        )


def _read(data: Path, target: str | None, size: tuple[int, int] | None) -> tuple[Any, Any]:
    """X, and y if there are labels, of a file or a folder of images."""
    from gansynth import datafiles, datasets

    if data.is_dir():
        if target is not None:
            raise ValueError(
                f"--target {target}: {data} is a folder of images, and its folders are the "
                "classes. Leave --target out."
            )
        return datasets.load_images(data, size=size)
    if size is not None:
        raise ValueError(f"--size is for a folder of images, and {data} is none. Leave --size out.")
    return datafiles.read(data, target)


def _column_types(wanted: list[str]) -> dict[str, str] | None:
    """Types by column; those that there are not are refused."""
    from gansynth import column_types

    types = {}
    for option in wanted:
        name, equals, wanted_as = option.rpartition("=")
        if not equals:
            raise ValueError(f"--column-type {option}: this is no NAME=TYPE, such as zip=category.")
        types[name] = wanted_as
    column_types.check(types)
    return types or None


@app.command()
def sample(
    model: Annotated[Path, typer.Argument(help="An .onnx file that gansynth wrote.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .csv, .parquet, .npy or .npz file to write."),
    ],
    n_samples: Annotated[int, typer.Option("--rows", "-n", help="How many rows to draw.")] = 1000,
    y: Annotated[
        str | None,
        typer.Option(help="Class of all rows. [default: as frequent as in the data]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same rows.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that draw; the rows are the same.")
    ] = 1,
) -> None:
    """Draw rows from an .onnx file; TensorFlow is not needed.

    Of many rows, what is drawn when a call is interrupted is kept in a folder beside the file, and
    the same call goes on from there.
    """
    from rich.console import Console
    from rich.progress import Progress

    with _refusals():
        from gansynth import streaming

        wanted = streaming.order(model, output, n_samples, y=y, seed=seed)
        quiet = not sys.stderr.isatty()
        try:
            with Progress(console=Console(stderr=True), disable=quiet, transient=True) as progress:
                task = progress.add_task("Drawing", total=n_samples)
                for rows in streaming.draw(wanted, workers):
                    progress.advance(task, rows)
            streaming.join(wanted)
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. The same call goes on from {wanted.folder}.", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"{output}: {n_samples:,} rows.")


@app.command()
def report(
    real: Annotated[
        Path,
        typer.Argument(
            help="Real rows, best such as were not learned: .csv, .parquet, .npy, .npz."
        ),
    ],
    synthetic: Annotated[Path, typer.Argument(help="Synthetic rows of the same columns.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .html file to write.")] = Path(
        "report.html"
    ),
    train: Annotated[
        Path | None, typer.Option(help="The rows that were learned, to look for copies of them.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column (or array) of class labels, to be predicted.")
    ] = None,
) -> None:
    """Say how good synthetic rows are, on one page of HTML that needs no network."""
    with _refusals():
        from gansynth import atomic, datafiles

        datafiles.check_suffix(output, (".html",))
        atomic.check_target(output)  # better now than when all is computed
        (X, y), (new, labels) = (datafiles.read(path, target) for path in (real, synthetic))
        learned = None if train is None else datafiles.read(train, target)[0]

        from gansynth.report import Report

        found = Report.from_samples(
            X,
            new,
            y=None if target is None else (y, labels),
            train=learned,
            title=f"{synthetic.name} beside {real.name}",
            target=target,
        )
        found.write(output)
    typer.echo(f"{output}: {found.verdict}")


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="An .onnx file that gansynth wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs, all of it.")] = False,
) -> None:
    """Tell what a model makes, what it was made of, and how good it was; nothing is sampled."""
    with _refusals():
        from gansynth import inspection

        loaded = gansynth.load(model)
    if as_json:
        typer.echo(inspection.to_json(loaded))
    else:
        inspection.show(loaded)


@app.command()
def architectures() -> None:
    """List the installed architectures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from gansynth import registry

    table = Table("name", "distribution", "version", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("value", overflow="fold")  # whole, to be copied
    for info in registry.available():
        table.add_row(info.name, info.distribution, info.version, info.value)
    Console().print(table)
