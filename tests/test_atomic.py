"""Files appear whole or not at all."""

from __future__ import annotations

import pytest

from gansynth.atomic import check_target, replacing


def test_a_file_appears_when_it_is_whole(tmp_path):
    """Until the end an older file stays, and the new one has its suffix."""
    path = tmp_path / "rows.csv"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".csv"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_nothing_is_left_of_a_failure(tmp_path, error):
    """If writing fails, or is interrupted, the older file is what there is."""
    path = tmp_path / "rows.csv"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path):
    """The file that a link points to is replaced, not the link."""
    path, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    path.write_text("old")
    link.symlink_to(path)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("name", "reason"), [(".", "it is a directory"), ("no/rows.csv", "there is no directory")]
)
def test_where_no_file_can_be_is_told(tmp_path, name, reason):
    """A directory, or a file in none, is refused with its name before anything is written."""
    with pytest.raises(OSError, match=reason) as refusal:
        check_target(tmp_path / name)
    assert repr(str(tmp_path / name)) in str(refusal.value)
