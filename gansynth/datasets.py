"""Data to learn from that do not come as one array: folders of images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

MODES = ("L", "RGB", "RGBA")
"""What images are read as; each has room for all that the ones before it can show."""
DEEP = ("F", "I")
"""What modes of more than 8 bits a channel begin with."""
MOST_NAMED = 20


def load_images(
    path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    mode: str | None = None,
    size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read image files into one array, with labels if they lie in a folder for each class.

    Parameters
    ----------
    path : path-like, or list of path-like
        A folder of images; a folder that holds a folder of images for each class; or image
        files. Files are read in the order of their names (a list: in its own), each as its EXIF
        orientation says. In folders, only files with the ending of an image are looked at, in
        folders below them too.
    mode : {"L", "RGB", "RGBA"}, optional
        Grey, colour, or colour with transparency. By default the first of them that has room
        for what all images show.
    size : (int, int), optional
        Height and width to resize to, by Lanczos' filter. By default images have to be of one
        size.

    Returns
    -------
    images : ndarray of uint8, shape (n, height, width) if grey, else (n, height, width, channels)
        Pixels, from 0 to 255.
    labels : ndarray of str, shape (n,), or None
        Name of each image's folder, of a folder of classes.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If there is no image; if some can't be read (all of them are named); if they differ in
        size and ``size`` is not given; or if they have more than 8 bits a channel.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from gansynth.datasets import load_images
    >>> for label, shade in (("cat", 20), ("dog", 220)):
    ...     (folder / "pets" / label).mkdir(parents=True)
    ...     image = Image.fromarray(np.full((48, 64), shade, np.uint8))
    ...     image.save(folder / "pets" / label / "1.png")
    >>> images, labels = load_images(folder / "pets", size=(32, 32))
    >>> images.shape, labels.tolist()
    ((2, 32, 32), ['cat', 'dog'])
    """
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode={mode!r} is unknown. Use 'L' (grey), 'RGB', 'RGBA' or None.")
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"size={size!r} is no pair of height and width, such as (64, 64).")
    files, labels = _files_of(path)
    images = _read_all(files, mode, size)
    shapes = Counter(image.size[::-1] for image in images)
    if size is None and len(shapes) > 1:
        common = ", ".join(f"{h}x{w} ({n} images)" for (h, w), n in shapes.most_common(3))
        raise ValueError(
            f"The images are of {len(shapes)} sizes: {common}{', …' if len(shapes) > 3 else ''}. "
            "Pass size=(height, width) to resize them, or crop them to one size."
        )
    widest = max((image.mode for image in images), key=MODES.index)
    pixels = [np.asarray(image.convert(widest)) for image in images]
    return np.stack(pixels), None if labels is None else np.array(labels)


def _files_of(
    path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[list[Path], list[str] | None]:
    """Image files, and the class of each if there are classes."""
    if not isinstance(path, str | os.PathLike):
        files = [Path(file) for file in path]
        if missing := [str(file) for file in files if not file.is_file()]:
            raise FileNotFoundError(f"There is no file {_listed(missing)}.")
        if not files:
            raise ValueError("path is an empty list. Pass image files, or a folder of them.")
        return files, None
    folder = Path(path)
    if folder.is_file():
        return [folder], None
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    endings = _endings()
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in endings)
    if not files:
        raise ValueError(
            f"The folder {folder} holds no images (files ending in {', '.join(sorted(endings)[:5])}"
            ", …)."
        )
    loose = [str(file.name) for file in files if file.parent == folder]
    if len(loose) == len(files):
        return files, None
    if loose:
        raise ValueError(
            f"The folder {folder} holds images beside folders of images: {_listed(loose)}. Give "
            "each image the folder of its class, or pass a list of files."
        )
    return files, [file.relative_to(folder).parts[0] for file in files]


def _endings() -> set[str]:
    """Endings of the files that Pillow reads as images."""
    from PIL import Image

    return {ending for ending, name in Image.registered_extensions().items() if name in Image.OPEN}


def _read_all(
    files: list[Path], mode: str | None, size: tuple[int, int] | None
) -> list[Image.Image]:
    """Images, upright and resized, in one of the modes; all that can't be read are named."""
    images, broken = [], []
    for file in files:
        try:
            # At once: thousands of photographs are held as small as they will be.
            images.append(_resized(_read(file), mode, size))
        except Exception as error:  # Pillow's plugins raise whatever they stumble on
            broken.append(f"{file} ({error})")
    if broken:
        raise ValueError(
            f"{len(broken)} of {len(files)} image files can't be read: {_listed(broken)}. Mend "
            "or remove them."
        )
    return images


def _read(file: Path) -> Image.Image:
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith(DEEP):
        raise ValueError(
            f"it has more than 8 bits a channel (mode {image.mode}); read such images with "
            "numpy, and pass floats"
        )
    return image


def _mode_of(image: Image.Image) -> str:
    """The first of the modes that has room for what an image shows."""
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _resized(image: Image.Image, mode: str | None, size: tuple[int, int] | None) -> Image.Image:
    from PIL import Image

    image = image.convert(mode or _mode_of(image))
    if size is not None and image.size[::-1] != tuple(size):
        image = image.resize(size[::-1], Image.Resampling.LANCZOS)
    return image


def _listed(names: list[str]) -> str:
    """Names, the first of many."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
