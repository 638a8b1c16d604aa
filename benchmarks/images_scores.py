"""How good drawn images are: in features of two networks, by classifiers, by modes, by copies."""

from __future__ import annotations

import json
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from images_data import Images
from runs import HERE, work_file
from scipy.stats import entropy
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from gansynth.metrics import coverage, kernel_distance, prdc

BATCH = 128
CLASSIFIER_STEPS = 1_500
COMPARED = 5_000
"""Images of each kind at most, for what goes by neighbours: coverage grows with their number."""

COPIES_OF = 2_000
TINY = 8
"""Pixels a side up to which a support vector machine learns from drawn images."""


def as_input(images: np.ndarray) -> np.ndarray:
    """What networks take: float32 in [0, 1], shape (n, h, w, c)."""
    unit = images / np.float32(255) if images.dtype == np.uint8 else images.astype(np.float32)
    return unit if unit.ndim == 4 else unit[..., None]


def channels(images: np.ndarray) -> np.ndarray:
    """Stacks of shape (n, h, w, c) as n c grey images, those of a stack in a row."""
    grey = np.moveaxis(images, -1, 1)
    return grey.reshape(-1, *grey.shape[2:])


def trained(images: np.ndarray, labels: np.ndarray, steps: int, seed: int = 0) -> keras.Model:
    """A small convolutional classifier; its layer before the last is called ``features``."""
    keras.utils.set_random_seed(seed)
    X = as_input(images)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, 2, padding="same", activation="relu"),
            layers.Conv2D(64, 3, 2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu", name="features"),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    picks = np.random.default_rng(seed).integers(len(X), size=steps * BATCH)
    batches = tf.data.Dataset.from_tensor_slices(picks).batch(BATCH)
    held, answers = tf.constant(X), tf.constant(labels.astype(np.int32))
    network.fit(
        batches.map(lambda rows: (tf.gather(held, rows), tf.gather(answers, rows))),
        shuffle=False,
        verbose=0,
    )
    return network


def random_network(shape: tuple[int, ...]) -> keras.Model:
    """Three convolutions that have learned nothing, always the same: 256 features."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    convolutions = [
        layers.Conv2D(n, 3, 2, padding="same", activation="relu", kernel_initializer="he_normal")
        for n in (64, 128, 256)
    ]
    return keras.Sequential([keras.Input(shape), *convolutions, layers.GlobalAvgPool2D()])


class Judge:
    """Networks that have seen real images alone, and what they say of others.

    Parameters
    ----------
    images : Images
        Those to be compared with.
    digits : Images
        What the classifier learns from: the same ones, or, of stacks, what they are made of.
    path : Path
        Where the classifier is kept, once it is trained.
    steps : int
        How long classifiers train.
    """

    def __init__(self, images: Images, digits: Images, path: Path, steps: int) -> None:
        self.images, self.digits, self.steps = images, digits, steps
        if path.exists():
            self.classifier = keras.models.load_model(path)
        else:
            self.classifier = trained(digits.train, digits.train_labels, steps)
            self.classifier.save(path)
        layer = self.classifier.get_layer("features")
        self.learned = keras.Model(self.classifier.inputs, layer.output)
        self.random = random_network(as_input(images.train[:1]).shape[1:])

    @cached_property
    def accuracy(self) -> float:
        """Share of held-out digits that the classifier gets right."""
        return accuracy(self.classifier, self.digits)

    def labels(self, images: np.ndarray) -> np.ndarray:
        """Classes of images; of stacks, one a channel."""
        if not self.images.stacked:
            return classes(self.classifier, images)
        return classes(self.classifier, channels(images)).reshape(len(images), -1)

    def features(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Features of each network, which of real images have a mean square of 1."""
        return {name: values / self.scales[name] for name, values in self._features(images).items()}

    @cached_property
    def scales(self) -> dict[str, float]:
        """Root mean square of the features of training images."""
        found = self._features(self.images.train[:COMPARED])
        return {name: float(np.sqrt(np.mean(values**2))) for name, values in found.items()}

    def _features(self, images: np.ndarray) -> dict[str, np.ndarray]:
        seen = channels(images) if self.images.stacked else images
        return {
            "": predicted(self.learned, seen).reshape(len(images), -1),
            "random_": predicted(self.random, images),
        }

    def scores(self, drawn: np.ndarray, labels: np.ndarray | None, seed: int) -> dict[str, Any]:
        """All figures of drawn images, or of training images in their place.

        Labels are what was asked for; without them, of what the classifier sees.
        """
        rng = np.random.default_rng(seed)
        n = min(len(drawn), len(self.images.held_out), COMPARED)
        some, real = (
            images[rng.choice(len(images), n, replace=False)]
            for images in (drawn, self.images.held_out)
        )
        found: dict[str, Any] = {}
        held_out = self.features(real)
        for name, values in self.features(some).items():
            found[f"{name}kid"] = kernel_distance(held_out[name], values, random_state=seed)
            found |= {
                f"{name}{score}": value
                for score, value in prdc(held_out[name], values)._asdict().items()
            }
        found["pixel_coverage"] = coverage(real, some)
        found["classifier"] = self.accuracy
        if self.images.stacked:
            return found | self.modes(drawn)
        labels = self.labels(drawn) if labels is None else labels
        return found | {"accuracy": self.learned_from(drawn, labels)}

    def learned_from(self, drawn: np.ndarray, labels: np.ndarray) -> float:
        """Share of held-out images that a classifier trained on drawn ones gets right."""
        if len(np.unique(labels)) == 1:  # nothing to learn: all is taken for that class
            return float(np.mean(self.images.held_out_labels == labels[0]))
        if drawn.shape[1] > TINY:
            return accuracy(trained(drawn, labels, self.steps), self.images)
        machine = SVC(C=10, gamma="scale").fit(flat(drawn), labels)
        return float(machine.score(flat(self.images.held_out), self.images.held_out_labels))

    def modes(self, stacks: np.ndarray) -> dict[str, float]:
        """Modes seen, and the KL divergence from their shares to those of the training stacks."""
        codes = self.labels(stacks) @ [100, 10, 1]
        real = self.images.train_labels @ [100, 10, 1]
        counts, known = (np.bincount(c, minlength=1000) for c in (codes, real))
        return {"modes": np.count_nonzero(counts), "kl": entropy(counts, known)}

    def copy_ratio(self, drawn: np.ndarray, seed: int) -> float:
        """Median distance to the nearest training image, over that of held-out images."""
        # Not closest_distances: it scales each pixel by its own range, and takes minutes here.
        train = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat(self.images.train))
        rng = np.random.default_rng(seed)
        near, others = (
            np.median(train.kneighbors(flat(images[rng.permutation(len(images))[:COPIES_OF]]))[0])
            for images in (drawn, self.images.held_out)
        )
        return float(near / others)


def flat(images: np.ndarray) -> np.ndarray:
    """Images as rows of pixels in [0, 1]."""
    return as_input(images).reshape(len(images), -1)


def predicted(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What a network gives, a thousand images at a time."""
    return network.predict(as_input(images), batch_size=1000, verbose=0)


def classes(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """Classes that a classifier gives."""
    return predicted(classifier, images).argmax(axis=1)


def accuracy(classifier: keras.Model, images: Images) -> float:
    """Share of held-out images that a classifier gets right."""
    return float(np.mean(classes(classifier, images.held_out) == images.held_out_labels))


def fidelity_scores(
    python: Path, first: Path | np.ndarray, images: Images, work: Path
) -> dict[str, float]:
    """What torch-fidelity says of a model file, or of training images, by its own code."""
    real = images.held_out[:COMPARED]
    # As many as it draws from a model.
    files = [first[: len(real)] if isinstance(first, np.ndarray) else first, real]
    paths = []
    for part, file in zip(("first", "held_out"), files, strict=True):
        if isinstance(file, np.ndarray):
            path = work_file(work, f"fidelity-{part}.npy")
            np.save(path, file)
            file = path
        paths.append(str(file))
    command = [str(python), str(HERE / "images_fidelity.py"), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
