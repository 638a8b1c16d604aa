"""Folders and lists of image files."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from gansynth import datasets
from gansynth.datasets import load_images

FLOWER = load_sample_image("flower.jpg")[:48, :64]
rng = np.random.default_rng(0)


def saved(file, pixels, mode=None, **options):
    """Write an image where there may be no folder yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, **options)
    return file


def test_a_folder_of_folders_has_labels(tmp_path):
    """Images come in the order of their names, with the folder's name; other files are let be."""
    pixels = {}
    for name in ("cats/2.png", "cats/1.png", "dogs/old/1.PNG", "dogs/7.bmp"):
        pixels[name] = rng.integers(0, 256, (6, 5, 3), np.uint8)
        saved(tmp_path / name, pixels[name])
    (tmp_path / "dogs" / "notes.txt").write_text("no image")
    (tmp_path / "README.md").write_text("nor this")
    images, labels = load_images(tmp_path)
    assert labels.tolist() == ["cats", "cats", "dogs", "dogs"]
    order = ["cats/1.png", "cats/2.png", "dogs/7.bmp", "dogs/old/1.PNG"]
    np.testing.assert_array_equal(images, [pixels[name] for name in order])
    assert images.dtype == np.uint8


def test_a_folder_a_list_and_a_file_have_no_labels(tmp_path):
    """A list is read in its own order; all are the pixels that were written."""
    pixels = rng.integers(0, 256, (3, 8, 9), np.uint8)
    files = [saved(tmp_path / f"{i}.png", image) for i, image in enumerate(pixels)]
    for path, want in (
        (tmp_path, pixels),
        (str(tmp_path), pixels),
        (files[::-1], pixels[::-1]),
        (files[1], pixels[1:2]),
    ):
        images, labels = load_images(path)
        np.testing.assert_array_equal(images, want)
        assert labels is None


@pytest.mark.parametrize(
    ("modes", "shape"),
    [
        (("L", "1"), ()),
        (("L", "RGB"), (3,)),
        (("L", "LA"), (4,)),
        (("P", "L"), (3,)),
        (("RGB", "RGBA"), (4,)),
        (("CMYK",), (3,)),
    ],
)
def test_the_mode_has_room_for_all(tmp_path, modes, shape):
    """Grey beside colour becomes colour, transparency is kept."""
    for i, mode in enumerate(modes):
        saved(tmp_path / f"{i}.{'tif' if mode == 'CMYK' else 'png'}", FLOWER, mode)
    assert load_images(tmp_path)[0].shape == (len(modes), 48, 64, *shape)


def test_a_mode_and_a_size_can_be_asked_for(tmp_path):
    """Images of several sizes come out as one, in height and width."""
    saved(tmp_path / "a.png", FLOWER)
    saved(tmp_path / "b.png", FLOWER[:20])
    images, _ = load_images(tmp_path, mode="L", size=(24, 32))
    assert images.shape == (2, 24, 32)
    # Lanczos keeps the mean brightness.
    assert images[0].mean() == pytest.approx(
        np.asarray(Image.fromarray(FLOWER).convert("L")).mean(), abs=1
    )


def test_images_are_turned_as_their_camera_says(tmp_path):
    """EXIF's orientation is applied."""
    image, exif = Image.fromarray(FLOWER), Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(load_images(tmp_path)[0][0], np.rot90(FLOWER, -1))


def test_files_that_cannot_be_read_are_named_at_once(tmp_path):
    """All of them, and no other."""
    saved(tmp_path / "good.png", FLOWER)
    whole = saved(tmp_path / "cut.png", FLOWER).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "empty.gif").write_bytes(b"")
    saved(tmp_path / "deep.png", rng.integers(0, 60_000, (8, 8)).astype(np.uint16))
    with pytest.raises(ValueError, match="4 of 5 image files can't be read") as caught:
        load_images(tmp_path)
    message = str(caught.value)
    assert all(name in message for name in ("cut.png", "text.jpg", "empty.gif", "deep.png"))
    assert "more than 8 bits a channel" in message
    assert "good.png" not in message


def test_sizes_that_differ_are_told(tmp_path):
    """With how many images have them, and the remedy."""
    for i in range(3):
        saved(tmp_path / f"{i}.png", FLOWER)
    saved(tmp_path / "last.png", FLOWER[:20])
    with pytest.raises(ValueError, match=r"2 sizes: 48x64 \(3 images\), 20x64 \(1 images\).*size="):
        load_images(tmp_path)


def test_what_is_not_there_is_told(tmp_path):
    """Folders, files, and images in them."""
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere"):
        load_images(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file .*a\.png, .*b\.png"):
        load_images([tmp_path / "a.png", tmp_path / "b.png"])
    with pytest.raises(ValueError, match="empty list"):
        load_images([])
    with pytest.raises(ValueError, match="holds no images"):
        load_images(tmp_path)
    saved(tmp_path / "a.png", FLOWER)
    saved(tmp_path / "cats" / "b.png", FLOWER)
    with pytest.raises(ValueError, match=r"images beside folders of images: a\.png"):
        load_images(tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"mode": "HSV"}, "mode='HSV' is unknown"),
        ({"size": (8,)}, "no pair"),
        ({"size": (0, 8)}, "no pair"),
    ],
)
def test_modes_and_sizes_are_checked(tmp_path, asked, message):
    """Before a file is opened."""
    with pytest.raises(ValueError, match=message):
        load_images(tmp_path, **asked)


def test_photographs_are_resized_as_they_are_read(tmp_path, monkeypatch):
    """Thousands of them would not fit in memory as they are; kinds may differ."""
    for i, mode in enumerate(("L", "RGB", "RGBA")):
        Image.new(mode, (90, 60), 40).save(tmp_path / f"{i}.png")
    read, held = datasets._read, []

    def reading(file):
        gc.collect()
        assert not [image for image in held if image() is not None]
        image = read(file)
        held.append(weakref.ref(image))
        return image

    monkeypatch.setattr(datasets, "_read", reading)
    images, _ = load_images(tmp_path, size=(6, 9))
    assert len(held) == 3
    assert images.shape == (3, 6, 9, 4)
    assert (images[:2, ..., 3] == 255).all()
    assert (images[0, ..., :3] == 40).all()
