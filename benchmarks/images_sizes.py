"""Large images: do networks of their size train, what is in a step, what would a run take?

    python benchmarks/images_sizes.py
    python benchmarks/images_sizes.py --sizes 32,256

One step each, on the CPU in float32, of a few random images: the numbers are of sizes, not of
quality. The memory is of the whole fit, export and all. Hours on an H100 are an estimate from the
operations of a step and an assumed speed; nothing was run on one.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from runs import HERE, Runs, alone, peak_mb


class Size(NamedTuple):
    """Networks for square colour images, the batch of the step, and the images of a whole run."""

    width: int
    depth: int
    batch: int
    images: float


SIZES = {
    32: Size(width=64, depth=1, batch=4, images=5e6),
    64: Size(width=96, depth=2, batch=2, images=5e6),
    128: Size(width=64, depth=2, batch=2, images=5e6),
    256: Size(width=32, depth=2, batch=2, images=5e6),
}
H100_TFLOPS = (20, 60)
"""Assumed, in bfloat16: what narrow convolutions reach, and wide ones. The peak is 990."""

COLUMNS = {
    "generator": ".0f", "critic": ".0f", "gflop_an_image": ".0f",
    "step_seconds": ".0f", "peak_mb": ".0f",
    "h100_hours_at_most": ".1f", "h100_hours_at_least": ".1f",
}  # fmt: skip


def one_step(side: int) -> dict[str, float]:
    """Fit random images for one step; what it was made of and took."""
    from engine import products_in

    from gansynth import GANSampler
    from gansynth.watching import Watcher
    from gansynth_image import ImageGAN

    size = SIZES[side]
    found: dict[str, Any] = {}

    class Counted(Watcher):
        def begin(self, run: Any) -> None:
            players = run.program.generator, run.program.critic
            found["generator"], found["critic"] = (p.network.count_params() for p in players)
            products = products_in(run)
            operations = sum(n * product.operations for product, n in products.items())
            found["gflop_an_image"] = operations / size.batch / 1e9

        def call(self, run: Any, step: int, seconds: float, seconds_left: float | None) -> None:
            found["step_seconds"] = seconds  # of compiling, too

    class Watched(GANSampler):
        def _watchers(self, name: str) -> list[Watcher]:
            return [Counted()]

    images = np.random.default_rng(0).integers(
        0, 256, (2 * size.batch, side, side, 3), dtype=np.uint8
    )
    Watched(
        ImageGAN(width=size.width, depth=size.depth),
        steps=1, batch_size=size.batch, device="cpu", precision="float32", random_state=0,
    ).fit(images)  # fmt: skip
    total = found["gflop_an_image"] * size.images / 3.6e6  # at 1 TFLOP/s
    return found | {
        "peak_mb": peak_mb(),
        "h100_hours_at_most": total / H100_TFLOPS[0],
        "h100_hours_at_least": total / H100_TFLOPS[1],
    }


def main(
    sizes: Annotated[str, typer.Option(help="Pixels a side.")] = ",".join(map(str, SIZES)),
    again: Annotated[bool, typer.Option(help="Repeat what is recorded.")] = False,
    results: Annotated[Path, typer.Option(help="Folder of the records.")] = HERE / "results",
) -> None:
    """Step networks of each size once; finished sizes are skipped."""
    runs = Runs(results / "images_sizes.jsonl", again)
    for side in map(int, sizes.split(",")):
        runs.run(
            partial(alone, one_step, side),
            dataset=f"{side}x{side}x3",
            method="one step",
            seed=0,
            library="gansynth",
            settings=SIZES[side]._asdict(),
        )
    runs.table(COLUMNS, {})


if __name__ == "__main__":
    typer.run(main)
