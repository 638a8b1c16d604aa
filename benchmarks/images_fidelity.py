"""What torch-fidelity says of an exported model. A script for an environment that has it.

python images_fidelity.py model.onnx held_out.npy
python images_fidelity.py train.npy held_out.npy

The file is taken as it is, by torch-fidelity's own reader, and so are its metrics. Its networks
would have to be downloaded, and want channels first: in their place, three convolutions that have
learned nothing. Classes are drawn here, since torch-fidelity 0.4 asks numpy for an integer type
that numpy no longer has; all are as frequent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch_fidelity

NAME = "random"


class RandomFeatures(torch_fidelity.FeatureExtractorBase):
    """256 features of images of shape (n, h, w) or (n, h, w, c), uint8 or in [0, 1]."""

    def __init__(self, name: str, features_list: list[str], **_: object) -> None:
        super().__init__(name, features_list)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv2d(3, 64, 3, 2, 1) if i == 0 else torch.nn.Conv2d(64 * i, 128 * i, 3, 2, 1)
            for i in range(3)
        )
        rng = torch.Generator().manual_seed(0)
        for layer in self.convolutions:
            torch.nn.init.kaiming_normal_(layer.weight, generator=rng)
            torch.nn.init.zeros_(layer.bias)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return (NAME,)

    @staticmethod
    def get_default_feature_layer_for_metric(_: str) -> str:
        return NAME

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden = images.float() / (255 if images.dtype == torch.uint8 else 1)
        hidden = hidden.reshape(*hidden.shape[:3], -1).permute(0, 3, 1, 2)
        hidden = hidden.expand(-1, 3, -1, -1)
        for layer in self.convolutions:
            hidden = torch.relu(layer(hidden))
        return (hidden.mean(dim=(2, 3)),)


class Model(torch_fidelity.GenerativeModelONNX):
    """A model file, with classes drawn for it if it takes them."""

    def __init__(self, path: str, classes: int) -> None:
        import onnxruntime

        noise, *_ = onnxruntime.InferenceSession(path).get_inputs()
        super().__init__(path, noise.shape[1], "normal", 0)
        self.classes = classes
        self.rng = torch.Generator().manual_seed(0)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        drawn = [torch.randint(self.classes, (len(noise),), generator=self.rng)]
        return super().forward(noise, *drawn[: len(self.input_names) - 1])


class Rows(torch.utils.data.Dataset):
    """Images of an array."""

    def __init__(self, path: str) -> None:
        self.images = torch.from_numpy(np.load(path))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> torch.Tensor:
        return self.images[i]


def main() -> None:
    """Print scores of the first against the second."""
    first, second = sys.argv[1:]
    real = Rows(second)
    torch_fidelity.register_feature_extractor(NAME, RandomFeatures)
    found = torch_fidelity.calculate_metrics(
        input1=Model(first, classes=10) if Path(first).suffix == ".onnx" else Rows(first),
        input1_model_num_samples=len(real),
        input2=real,
        cuda=False,
        kid=True,
        prc=True,
        fid=True,
        feature_extractor=NAME,
        kid_subset_size=min(1000, len(real)),
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    short = {
        "kernel_inception_distance_mean": "fidelity_kid",
        "frechet_inception_distance": "fidelity_frechet",
        "precision": "fidelity_precision",
        "recall": "fidelity_recall",
    }
    print(json.dumps({name: float(found[theirs]) for theirs, name in short.items()}))


if __name__ == "__main__":
    main()
