"""Images: fit on train, draw, compare with held-out images, beside peers of as many seconds.

python benchmarks/images.py --data DIR
python benchmarks/images.py --names digits --seeds 10 --methods gansynth
python benchmarks/images.py --quick
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from images_data import DATASETS, Images, drawn
from images_peers import dcgan_tutorial
from images_pictures import draw_pictures, leave
from images_scores import CLASSIFIER_STEPS, Judge, fidelity_scores
from runs import HERE, Runs, alone, synthesise, versions, work_file

METHODS = ("floor", "gansynth", "dcgan", "wgan-gp", "dcgan_tutorial")
LIBRARY = {"floor": "scikit-learn", "dcgan_tutorial": "tensorflow"}
"""Whose version tells runs apart; gansynth's of the rest."""

AS_OURS = "gansynth's"
QUICK_STEPS = 20
QUICK_IMAGES = 300
COLUMNS = {
    "accuracy": ".3f", "modes": ".0f", "kl": ".3f", "classifier": ".3f",
    "kid": ".4f", "kid_way": ".2f", "precision": ".3f", "recall": ".3f", "density": ".2f",
    "coverage": ".3f", "pixel_coverage": ".3f", "copy_ratio": ".2f",
}  # fmt: skip
OF_RANDOM = {
    "random_kid": ".4f", "random_precision": ".3f", "random_recall": ".3f",
    "random_density": ".2f", "random_coverage": ".3f", "fidelity_kid": ".5f",
    "fidelity_frechet": ".4f", "fidelity_precision": ".3f", "fidelity_recall": ".3f",
}  # fmt: skip
COSTS = {
    "steps": ".0f", "fit_seconds": ".0f", "images_per_second": ".0f", "sample_seconds": ".2f",
    "peak_mb": ".0f",
}  # fmt: skip
BARS = {name: dataset.bars for name, dataset in DATASETS.items()}


@cache
def images_of(name: str, folder: Path | None, quick: bool) -> Images:
    """A set, or a little of it."""
    images = DATASETS[name].load(folder or Path())
    return images.first(QUICK_IMAGES) if quick else images


@cache
def judge_of(name: str, folder: Path | None, work: Path, quick: bool) -> Judge:
    """What judges images of a set; its classifier is trained once."""
    base = DATASETS[name].base or name
    return Judge(
        images_of(name, folder, quick),
        images_of(base, folder, quick),
        work_file(work, "images", base, "classifier.keras"),
        QUICK_STEPS if quick else CLASSIFIER_STEPS,
    )


@dataclass(frozen=True)
class Bench:
    """What all runs of one call share."""

    runs: Runs
    data: Path | None
    work: Path
    params: dict[str, Any]
    peer_seconds: float | None
    fidelity: Path | None
    quick: bool

    def settings(self, name: str, method: str) -> dict[str, Any]:
        """What tells this run from others of the same method."""
        told = {"drawn": drawn(images_of(name, self.data, self.quick))}
        if method in ("gansynth", "dcgan", "wgan-gp"):
            told |= self.params
        if method in ("wgan-gp", "dcgan_tutorial"):
            told |= {"seconds": self.peer_seconds or AS_OURS}
        return told

    def seconds(self, name: str, seed: int) -> float:
        """How long peers train: what is asked for, or what gansynth took of this set and seed."""
        if self.peer_seconds:
            return self.peer_seconds
        wanted = {
            "dataset": name, "method": "gansynth", "seed": seed,
            "settings": self.settings(name, "gansynth"),
        }  # fmt: skip
        for record in reversed(self.runs.records):
            if wanted.items() <= record.items():
                return record["scores"]["fit_seconds"]
        raise typer.BadParameter(
            f"peers take gansynth's time, but no run of {name} with seed {seed} is recorded: run "
            "gansynth first, or say --peer-seconds"
        )

    def draw(
        self, name: str, method: str, seed: int
    ) -> tuple[np.ndarray, np.ndarray | None, dict[str, Any]]:
        """Images under test, the classes that were asked for, if any, and what they cost."""
        images = images_of(name, self.data, self.quick)
        n = drawn(images)
        if method == "floor":
            return images.train[:n], images.train_labels[:n], {}
        if method == "dcgan_tutorial":
            steps = QUICK_STEPS if self.quick else None
            made, costs = alone(
                dcgan_tutorial, images.train, n, seed, self.seconds(name, seed), steps
            )
            return made, None, costs
        params = dict(self.params)
        if method == "dcgan":
            from gansynth_image import ImageGAN

            params |= {"architecture": ImageGAN("dcgan")}
        if method == "wgan-gp":
            params |= {"loss": "wgan-gp", "max_time": self.seconds(name, seed)}
        model = self.model(name, seed) if method == "gansynth" else None
        y = None if images.stacked else images.train_labels
        got, costs = synthesise(images.train, n, seed, y, params, model=model)
        return (got, None, costs) if y is None else (*got, costs)

    def model(self, name: str, seed: int) -> Path:
        """Where gansynth's model file is left."""
        return work_file(self.work, "images", name, "gansynth", f"{seed}.onnx")

    def evaluate(self, name: str, method: str, seed: int) -> dict[str, Any]:
        """All scores of one run; some of its images are left in the work folder."""
        made, labels, costs = self.draw(name, method, seed)
        judge = judge_of(name, self.data, self.work, self.quick)
        train = judge.images.train
        found = judge.scores(made, labels, seed)
        if method == "floor" and judge.images.stacked:
            # Fresh stacks, of digits that no one has seen.
            found |= judge.modes(judge.images.held_out)
        if method != "floor":
            found["copy_ratio"] = judge.copy_ratio(made, seed)
            costs["images_per_second"] = costs["steps"] * costs["batch_size"] / costs["fit_seconds"]
        if self.fidelity and method in ("floor", "gansynth"):
            first = train if method == "floor" else self.model(name, seed)
            found |= fidelity_scores(self.fidelity, first, judge.images, self.work)
        leave(self.work, name, method, seed, made, train, labels)
        return costs | found


def relative(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with ``kid_way``: how far from the floor, where the tutorial's DCGAN is at 1."""

    def mean(name: str, method: str) -> float:
        of = [r for r in records if (r["dataset"], r["method"]) == (name, method)]
        return float(np.mean([r["scores"]["kid"] for r in of])) if of else np.nan

    extended = []
    for record in records:
        floor, peer = (mean(record["dataset"], method) for method in ("floor", "dcgan_tutorial"))
        way = (record["scores"]["kid"] - floor) / (peer - floor)
        known = {} if np.isnan(way) or record["method"] == "floor" else {"kid_way": way}
        extended.append(record | {"scores": record["scores"] | known})
    return extended


def collapses(records: list[dict[str, Any]]) -> None:
    """Print, a set, the lowest coverage over the median: half of it would be a collapse."""
    for name in DATASETS:
        found = [
            record["scores"]["coverage"]
            for record in records
            if (record["dataset"], record["method"]) == (name, "gansynth")
        ]
        if len(found) > 1:
            ratio = min(found) / np.median(found)
            print(f"{name}: lowest coverage over median {ratio:.2f} ({len(found)} runs; bar .50)")


def plan(
    names: list[str] | None, methods: list[str], seeds: int | None, data: Path | None
) -> Iterator[tuple[str, str, int]]:
    """Every run that is asked for, set by set; gansynth before peers that take its time."""
    for name in names or DATASETS:
        dataset = DATASETS[name]
        if not dataset.available(data):
            if names:
                raise typer.BadParameter(f"{name} needs --data, a folder with {dataset.file}")
            print(f"{name}: left out, no {dataset.file} in --data")
            continue
        for seed in range(seeds or dataset.seeds):
            for method in sorted(methods, key=METHODS.index):
                yield name, method, seed


def main(
    names: Annotated[str, typer.Option(help=f"Of {', '.join(DATASETS)}; all.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of .npz files.")] = None,
    methods: Annotated[str, typer.Option(help=f"Of {', '.join(METHODS)}.")] = ",".join(METHODS),
    seeds: Annotated[
        int | None, typer.Option(help="Seeds 0 to this, exclusive; 3 of small sets, 1 of others.")
    ] = None,
    params: Annotated[str, typer.Option(help="GANSampler parameters, as JSON.")] = "{}",
    peer_seconds: Annotated[
        float | None, typer.Option(help="Training time of peers; by default what gansynth took.")
    ] = None,
    torch_fidelity: Annotated[
        Path | None, typer.Option(help="Python with torch-fidelity and onnxruntime.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw what is in the work folder.")] = True,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where models and images go.")] = HERE / "work",
) -> None:
    """Benchmark images; finished runs are skipped, so an interrupted one can be resumed."""
    settings: dict[str, Any] = json.loads(params)
    if quick:
        names, seeds, work = names or "digits", 1, work / "quick"
        settings = {"steps": QUICK_STEPS} | settings
    asked, chosen = methods.split(","), names.split(",") if names else None
    if unknown := set(asked) - set(METHODS) | set(chosen or ()) - set(DATASETS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}")
    results = work if quick else HERE / "results"
    runs = Runs(results / "images.jsonl", again)
    bench = Bench(runs, data, work, settings, peer_seconds, torch_fidelity, quick)

    for name, method, seed in plan(chosen, asked, seeds, data):
        runs.run(
            partial(bench.evaluate, name, method, seed),
            dataset=name,
            method=method,
            seed=seed,
            library=LIBRARY.get(method, "gansynth"),
            settings=bench.settings(name, method),
            found=versions(),
        )
    records = relative(runs.newest())
    for columns in (COLUMNS, OF_RANDOM, COSTS):
        print()
        runs.table(columns, BARS, records)
    collapses(records)
    if pictures:
        draw_pictures(work, results, chosen or list(DATASETS))


if __name__ == "__main__":
    typer.run(main)
