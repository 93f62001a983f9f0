"""Two versions beside each other: which, and that nothing of them is left."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perf.errors import UserError
from perf.gate.revisions import folders, worktrees
from perf.gate.sample import Side
from perf.gate.scratch import reap, scratch


def git(folder, *words):
    """Run git as somebody with a name."""
    author = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    line = [shutil.which("git"), *author, *words]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    """Make a repository of two commits, with a folder in it."""
    top = tmp_path / "project"
    (top / "part").mkdir(parents=True)
    git(top, "init", "-q")
    for text in ("one", "two"):
        (top / "part" / "file.txt").write_text(text)
        git(top, "add", "-A")
        git(top, "commit", "-q", "-m", text)
    return top


def texts(checkouts):
    """Return what the file holds on both sides."""
    folders = {side: checkouts.sides[side].root / "part" for side in Side}
    return {str(side): (folder / "file.txt").read_text() for side, folder in folders.items()}


def test_both_revisions_lie_under_paths_of_equal_length(repository):
    """Base and head hold their commits' files, and differ in no other way."""
    with worktrees(repository, "HEAD~1", "HEAD") as checkouts:
        assert texts(checkouts) == {"base": "one", "head": "two"}
        assert len({len(str(checkouts.sides[side].root)) for side in Side}) == 1


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_the_worktrees(repository, error):
    """However the gate ends, git knows one worktree and the folders are gone."""
    raised = ()
    try:
        with worktrees(repository, "HEAD~1", "HEAD") as checkouts:
            root = checkouts.sides[Side.BASE].root
            (root / "left.pyc").write_text("by a test")
            if error:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        raised = type(caught)
    assert raised == (error or ())
    assert not root.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_without_a_head_the_uncommitted_change_is_judged(repository):
    """What the developer has before the commit is what is asked about; nothing of it is moved."""
    (repository / "part" / "file.txt").write_text("three")
    (repository / "new.txt").write_text("untracked")
    before = git(repository, "status", "--porcelain")
    with worktrees(repository, "HEAD", None) as checkouts:
        assert texts(checkouts) == {"base": "two", "head": "three"}
        assert checkouts.sides[Side.HEAD].label.startswith("working tree on HEAD")
        assert any("new.txt" in note for note in checkouts.notes)
    assert git(repository, "status", "--porcelain") == before
    assert not git(repository, "stash", "list")


def test_pytest_runs_in_the_folder_that_the_gate_was_called_in(repository):
    """A part of a repository is gated from within it."""
    with worktrees(repository / "part", "HEAD", "HEAD") as checkouts:
        assert checkouts.sides[Side.HEAD].folder == checkouts.sides[Side.HEAD].root / "part"


def test_hooks_of_the_repository_do_not_run(repository, tmp_path):
    """Checking out beside is no check-out of the user's."""
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    with worktrees(repository, "HEAD~1", "HEAD"):
        assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("revision", ["nowhere", "--help", ""])
def test_a_revision_that_there_is_not_is_named(repository, revision):
    """The user reads which of both was wrong."""
    with (
        pytest.raises(UserError, match="no revision of this repository"),
        worktrees(repository, "HEAD", revision or "HEAD~9"),
    ):
        pass


def test_no_repository_is_said_to_be_none(tmp_path):
    """Outside of git there are the two folders."""
    with pytest.raises(UserError, match="no git repository"), worktrees(tmp_path, "HEAD", None):
        pass


def test_two_folders_are_taken_as_they_are(tmp_path):
    """They need no git, and one that is absent is named."""
    (tmp_path / "a").mkdir()
    found = folders(tmp_path / "a", tmp_path / "a")
    assert found.sides[Side.BASE].folder == tmp_path / "a"
    with pytest.raises(UserError, match="no folder"):
        folders(tmp_path / "a", tmp_path / "b")


def test_what_a_killed_run_left_is_taken_away(tmp_path, monkeypatch):
    """The folder of a process that lives stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    left = tmp_path / f"ava-gate-{ended.pid}-abc"
    left.mkdir()
    with scratch() as mine:
        reap()
        assert mine.exists()
        assert str(os.getpid()) in mine.name
    assert not left.exists()
    assert list(Path(tmp_path).iterdir()) == []
