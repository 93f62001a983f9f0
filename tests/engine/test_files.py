"""Folders replaced whole or not at all."""

import pytest

from perf.files import OutputError, check_replaceable, replace_folder


def fill(text):
    """Return a filler that writes one marker file."""
    return lambda folder: (folder / "results.json").write_text(text)


def test_a_report_replaces_the_last_one(tmp_path):
    """Nothing of the old one stays."""
    out = tmp_path / "latest"
    replace_folder(out, fill("old"))
    replace_folder(out, fill("new"))
    assert (out / "results.json").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["latest"]


def test_a_failed_report_leaves_the_last_one(tmp_path):
    """A half-written report is never seen."""
    out = tmp_path / "latest"
    replace_folder(out, fill("old"))

    def broken(folder):
        (folder / "results.json").write_text("half")
        raise ValueError("killed")

    with pytest.raises(ValueError, match="killed"):
        replace_folder(out, broken)
    assert (out / "results.json").read_text() == "old"


def test_a_kill_between_the_renames_is_mended_at_the_next_start(tmp_path):
    """The old report, set aside, is put back."""
    aside = tmp_path / ".latest.old"
    aside.mkdir()
    fill("old")(aside)
    check_replaceable(tmp_path / "latest", "results.json")
    assert (tmp_path / "latest" / "results.json").read_text() == "old"


def test_a_folder_of_other_files_is_not_replaced(tmp_path):
    """--out . would otherwise delete a project."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="not a report"):
        check_replaceable(tmp_path, "results.json")


def test_a_file_is_not_a_folder(tmp_path):
    """The message says what to give."""
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(OutputError, match="is a file"):
        check_replaceable(path, "results.json")


def test_an_unwritable_place_is_told_before_measuring(tmp_path):
    """A path below a file can be made by nobody, not even root."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        check_replaceable(tmp_path / "file" / "deep" / "latest", "results.json")
