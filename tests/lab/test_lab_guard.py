"""Nothing of a run outlives it, whichever way it ends; nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from perf.lab.guard import Guard, clean, reap_stale
from perf.lab.processes import Stop, everybody, look

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="other processes can be listed by /proc only"
)
SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]

# Starts everything the lab has and tells where; then waits for a signal.
RUN = """
import json, os, signal
from perf.lab.lab import Lab, Servers
with Servers() as servers, Lab(servers.addresses) as lab:
    proxies = [lab.proxy(), lab.redis_proxy()]
    (lab.scratch / "file").write_text("kept by nobody")
    print(json.dumps(str(servers.guard.directory)), flush=True)
    signal.pause()
"""
# Owns a process and tells what there is to look for.
GUARDED = """
import json, signal, subprocess, sys
from pathlib import Path
from perf.lab.guard import Guard
from perf.lab.processes import Stop
with Guard(Path(sys.argv[1])) as guard:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    guard.own(child.pid, Stop.TERMINATE)
    print(json.dumps([str(guard.directory), child.pid, guard._guardian.pid]), flush=True)
    signal.pause()
"""
# Dies between starting a server in the run's directory and telling the guard.
CARELESS = """
import json, os, signal, subprocess, sys
from pathlib import Path
from perf.lab.guard import Guard
with Guard(Path(sys.argv[1])) as guard:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True, cwd=guard.directory)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
# Leaves a forked child behind, which holds all that its parent had open.
FORKING = """
import json, os, signal, sys
from pathlib import Path
from perf.lab.guard import Guard
guard = Guard(Path(sys.argv[1])).__enter__()
forked = os.fork()
if forked:
    print(json.dumps([str(guard.directory), forked]), flush=True)
signal.pause()
"""


def run(script, *arguments):
    """Start `script` and return it with what it tells."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("AVA_")},
    )
    return process, json.loads(process.stdout.readline())


@pytest.fixture
def sleeper():
    """A process that waits for a signal, and is gone after the test whatever happens."""
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def is_running(pid):
    seen = look(pid)
    return seen is not None and not seen.zombie


def those_of(directory):
    """Return the running processes that name `directory` or stand in it."""
    found = []
    for pid, seen in everybody():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            place = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            continue
        if not seen.zombie and (os.fsencode(directory) in command or directory in str(place)):
            found.append(pid)
    return found


def eventually(fact, within_s=20.0):
    """Say whether `fact` comes true before the deadline."""
    deadline = time.monotonic() + within_s
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@needs_proc
@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_left_after_sigkill():
    """A run killed outright leaves no process and no directory."""
    process, directory = run(RUN)
    with process:
        assert len(those_of(directory)) > 5  # the servers, their workers, the guardian
        proxies = [pid for pid, _ in everybody() if _parent(pid) == process.pid]
        process.kill()
        process.wait()
    assert eventually(lambda: not Path(directory).exists())
    assert eventually(lambda: not those_of(directory))
    assert eventually(lambda: not any(is_running(pid) for pid in proxies))


@needs_proc
@pytest.mark.postgres
@pytest.mark.redis
def test_nothing_is_left_after_ctrl_c():
    """A run interrupted from the terminal ends only when all of it has ended."""
    process, directory = run(RUN)
    with process:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
    assert not Path(directory).exists()
    assert not those_of(directory)


def test_close_returns_when_all_is_gone(tmp_path, sleeper):
    """After the block neither the directory nor an owned process is there."""
    with Guard(tmp_path) as guard:
        guard.own(sleeper.pid, Stop.TERMINATE)
    assert not is_running(sleeper.pid)
    assert list(tmp_path.iterdir()) == []


def test_what_is_disowned_goes_on(tmp_path, sleeper):
    """A process that the guard has forgotten is not stopped at close."""
    with Guard(tmp_path) as guard:
        guard.own(sleeper.pid, Stop.TERMINATE)
        guard.disown(sleeper.pid)
    assert is_running(sleeper.pid)


def test_many_threads_can_own_at_a_time(tmp_path):
    """Owning from several threads loses no process."""
    with Guard(tmp_path) as guard:
        children = [subprocess.Popen(SLEEPER) for _ in range(8)]
        threads = [
            threading.Thread(target=guard.own, args=(child.pid, Stop.TERMINATE))
            for child in children
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [child.wait(10) for child in children] == [-signal.SIGTERM] * 8


def test_a_guardian_ignores_polite_signals(tmp_path):
    """The guardian outlives the signals that a shell sends to all at its end."""
    with Guard(tmp_path) as guard:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            os.kill(guard._guardian.pid, number)
    assert guard._guardian.returncode == 0


def test_the_parent_cleans_when_its_guardian_was_killed(tmp_path, sleeper):
    """Close leaves nothing even when no guardian is left to do it."""
    with Guard(tmp_path) as guard:
        guard.own(sleeper.pid, Stop.TERMINATE)
        guard._guardian.kill()
    assert not is_running(sleeper.pid)
    assert list(tmp_path.iterdir()) == []


def test_the_next_start_reaps_what_a_killed_guardian_left(tmp_path):
    """Parent and guardian killed together: the processes are stopped by the next start."""
    process, (directory, child, guardian) = run(GUARDED, tmp_path)
    with process:
        os.kill(guardian, signal.SIGKILL)
        process.kill()
        process.wait()
    assert eventually(lambda: not is_running(guardian))
    assert is_running(child)
    with Guard(tmp_path):
        assert not is_running(child)
        assert not Path(directory).exists()


def test_a_run_in_use_is_not_reaped(tmp_path, sleeper):
    """Another start touches neither the directory nor the processes of a living run."""
    with Guard(tmp_path) as living:
        living.own(sleeper.pid, Stop.TERMINATE)
        with Guard(tmp_path):
            assert is_running(sleeper.pid)
            assert living.directory.exists()


def test_a_run_whose_guardian_alone_lives_is_not_reaped(tmp_path):
    """The lock stays taken until the guardian, too, is gone."""
    process, (directory, child, guardian) = run(GUARDED, tmp_path)
    with process:
        os.kill(guardian, signal.SIGSTOP)
        process.kill()
        process.wait()
    reap_stale(tmp_path)
    assert is_running(child)
    os.kill(guardian, signal.SIGCONT)
    assert eventually(lambda: not Path(directory).exists())


@pytest.mark.parametrize("state", ['{"made_by": "another program"}', "[]", "not JSON", None])
def test_a_directory_that_the_lab_did_not_make_is_not_reaped(tmp_path, state):
    """A directory of the right name without the lab's mark is left alone."""
    stranger = tmp_path / "ava-notes"
    stranger.mkdir()
    (stranger / "guard.lock").touch()
    if state is not None:
        (stranger / "guard.json").write_text(state)
    reap_stale(tmp_path)
    assert stranger.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_not_reaped(tmp_path):
    """A marked directory that somebody else owns is left alone."""
    forged = tmp_path / "ava-forged"
    forged.mkdir()
    (forged / "guard.lock").touch()
    (forged / "guard.json").write_text('{"made_by": "ava-perf lab", "processes": []}')
    os.chown(forged, 65534, 65534)
    reap_stale(tmp_path)
    assert forged.exists()


def test_a_link_to_a_run_is_not_reaped(tmp_path, sleeper):
    """A symbolic link is not followed out of the base, even to what looks like a stale run."""
    elsewhere, base = tmp_path / "elsewhere", tmp_path / "base"
    elsewhere.mkdir()
    base.mkdir()
    named = {"pid": sleeper.pid, "born": look(sleeper.pid).born, "stop": "terminate"}
    state = {"made_by": "ava-perf lab", "processes": [named]}
    (elsewhere / "guard.json").write_text(json.dumps(state))
    (elsewhere / "guard.lock").touch()
    (base / "ava-link").symlink_to(elsewhere)
    reap_stale(base)
    assert is_running(sleeper.pid)


@needs_proc
def test_a_server_started_but_not_yet_owned_dies_too(tmp_path):
    """A parent killed between start and `own` leaves nothing in the run's directory."""
    process, stray = run(CARELESS, tmp_path)
    with process:
        process.wait()
    assert eventually(lambda: not is_running(stray))
    assert eventually(lambda: list(tmp_path.iterdir()) == [])


def test_a_forked_child_does_not_keep_the_run_alive(tmp_path):
    """The end of the parent ends the run although a child of its holds the pipe open."""
    process, (directory, forked) = run(FORKING, tmp_path)
    with process:
        process.kill()
        process.wait()
    assert eventually(lambda: not Path(directory).exists())
    os.kill(forked, signal.SIGKILL)


def test_cleaning_twice_is_no_error(tmp_path):
    """A directory that is gone already counts as clean."""
    clean(tmp_path / "ava-gone")
    assert list(tmp_path.iterdir()) == []


def _parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
