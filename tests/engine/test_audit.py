"""Audits of a sample project, run as a user runs them: the command, its exit code, its files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample_project"


def ava_perf(project, *arguments, **environment):
    """Run the command in `project`; return the finished process."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "perf.cli", *arguments],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the sample project."""
    return Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("user") / "project"))


@pytest.fixture(scope="module")
def audited(project):
    """Return the finished audit of everything in the sample project."""
    return ava_perf(project, "audit")


@pytest.fixture(scope="module")
def results(project, audited):
    """Return the entries of results.json by claim id."""
    document = json.loads((project / "reports/latest/results.json").read_text())
    return {entry["id"]: entry for entry in document["results"]}


def test_a_missed_target_is_exit_1(audited):
    """The worst news decides, and it is not an internal error."""
    assert audited.returncode == 1, audited.stderr


@pytest.mark.parametrize(
    ("claim", "verdict", "words"),
    [
        ("G1.speed", "met", "ratio of medians"),
        ("G1.more", "missed", "bad side"),
        ("G2.count", "met", "counted 42"),
        ("G3.refuted", "refuted", "occurred"),
        ("G4.async", "met", "median"),
        ("B1.raises", "not_measured", "RuntimeError"),
        ("B2.hangs", "not_measured", "did not finish within 1 s"),
        ("B3.wrong", "not_measured", "not the one expected"),
        ("B4.crashes", "not_measured", "SIGSEGV"),
        ("B5.exits", "not_measured", "without a result"),
        ("B6.unavailable", "not_measured", "no unicorn"),
        ("B7.unprepared", "not_measured", "no quarry"),
        ("B8.no-plan", "not_measured", "AttributeError"),
        ("B9.unit", "not_measured", "the measurement a count"),
    ],
)
def test_every_claim_ends_as_a_result(results, claim, verdict, words):
    """Good or broken, each has a verdict with its reason, and the run goes on."""
    assert results[claim]["verdict"] == verdict
    assert words in results[claim]["reason"]


def test_claims_of_one_body_share_a_measurement(results):
    """Two figures for one thing are judged from the same samples."""
    paths = {results[name]["evidence"]["measurement"] for name in ("G1.speed", "G1.more")}
    assert len(paths) == 1


def test_a_cure_is_kept(results):
    """The reader is told the command that enables the measurement."""
    assert results["B6.unavailable"]["evidence"]["cure"] == "apt-get install unicorn"
    assert results["B7.unprepared"]["evidence"]["cure"] == "apt-get install quarry"


def test_no_secret_reaches_the_report(project, audited):
    """The password in an exception's text is in no file and on no stream."""
    texts = [path.read_text() for path in project.joinpath("reports").rglob("*") if path.is_file()]
    assert not any("hunter2" in text for text in [*texts, audited.stdout, audited.stderr])


def test_the_folder_holds_what_the_contract_names(project, audited):
    """Page, Markdown, JSON, JUnit and raw measurements."""
    names = {path.name for path in (project / "reports/latest").iterdir()}
    assert names == {"index.html", "report.md", "results.json", "junit.xml", "measurements"}


def test_the_machines_noise_is_stated(project, audited):
    """A number, measured in this run."""
    document = json.loads((project / "reports/latest/results.json").read_text())
    assert 0 < document["environment"]["noise"] < float("inf")


def test_check_gives_the_same_verdicts(project, audited):
    """Judging again from disk measures nothing and changes nothing."""
    checked = ava_perf(project, "check", "reports/latest", "--json")
    assert checked.returncode == 1
    again = {e["id"]: e["verdict"] for e in json.loads(checked.stdout)["results"]}
    saved = json.loads((project / "reports/latest/results.json").read_text())["results"]
    assert again == {e["id"]: e["verdict"] for e in saved}
    assert checked.stderr == ""


def test_report_renders_the_same_bytes(project, audited):
    """A page is a function of results.json."""
    page = project / "reports/latest/index.html"
    before = page.read_bytes()
    assert ava_perf(project, "report", "reports/latest").returncode == 0
    assert page.read_bytes() == before


def test_a_page_can_keep_its_style_in_a_file(project, audited):
    """Some servers forbid styles in a page; the page then names the file beside it."""
    copy = shutil.copytree(project / "reports/latest", project / "split")
    assert ava_perf(project, "report", "split", "--split-assets").returncode == 0
    page = (copy / "index.html").read_text()
    assert "<style" not in page
    assert re.search(r'<link [^>]*href="?report\.css\b', page)
    assert (copy / "report.css").stat().st_size > 1000


def test_the_run_is_remembered(project, audited):
    """One line of history a run."""
    lines = (project / "reports/history.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["results"]["G2.count"]["estimate"] == 42


def test_counted_claims_can_be_run_alone(project, tmp_path):
    """What continuous integration judges rests on no clock."""
    done = ava_perf(
        project,
        "audit",
        "--counted",
        "-k",
        "G2 or G3 or G1",
        "--json",
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    assert {e["id"] for e in json.loads(done.stdout)["results"]} == {"G2.count", "G3.refuted"}


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["audit", "-k", "nothing-like-this"], {}, 5, "no claim is selected"),
        (["audit", "-k", "(("], {}, 2, "a word is missing"),
        (["audit", "--profile", "huge"], {}, 2, "huge"),
        (["audit", "--nonsense"], {}, 2, "nonsense"),
        (["audit"], {"AVA_PERF_COLOUR": "1"}, 2, "AVA_PERF_COLOUR"),
        (["audit"], {"AVA_PERF_CLAIMS": "no.such.package"}, 2, "no.such.package"),
        (["audit", "--out", "sample_claims"], {}, 2, "not a report"),
        (["audit", "--out", "pyproject.toml/x"], {}, 2, "cannot be written"),
        (["check", "no/such/run"], {}, 2, "cannot be read"),
        (["demo"], {}, 3, "no quarry here"),
        (["check", "pyproject.toml"], {}, 2, "not JSON"),
        (["audit"], {"AVA_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}, 3, "URL"),
        (["audit"], {"AVA_DATABASE_URL": "nonsense"}, 3, "AVA_DATABASE_URL"),
    ],
)
def test_a_mistake_is_one_clear_line(project, arguments, environment, code, words):
    """Exit 2, 3 or 5, one line that names the trouble, no traceback, no secret."""
    done = ava_perf(project, *arguments, **environment)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if "rror" in line]
    assert len(errors) <= 1


def test_interrupting_leaves_the_last_report(project, audited):
    """Ctrl-C is exit 130, and what was there before is there still."""
    page = project / "reports/latest/index.html"
    before = page.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "perf.cli", "audit", "-k", "B2"],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "noise" in line:
            break
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    assert process.wait(timeout=60) == 130
    process.stderr.close()
    assert page.read_bytes() == before


def test_a_demo_holds_the_data_until_it_is_ended(project):
    """It prints how to connect to what was prepared, and ends well when asked to."""
    package = project / "demo_claims.py"
    package.write_text(
        "from perf.claim import prepare\n\n\n@prepare('shop')\ndef shop(lab):\n"
        "    return {'database': lab.create_database()}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "perf.cli", "demo"],
        cwd=project,
        env={**os.environ, "AVA_PERF_CLAIMS": "demo_claims"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("ready"):
            break
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert printed.startswith("psql '")
    assert printed.rstrip().endswith("# shop")


def test_nothing_survives_a_kill(project, audited, place):
    """After SIGKILL in mid-run no process and no folder of the run is left."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "perf.cli", "audit", "-k", "B2"],
        cwd=project,
        env={**os.environ, "TMPDIR": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "noise" in line:
            break
    assert list(place.iterdir()), "the run had made its folder"
    family = descendants(process.pid)
    assert family, "the run had started its servers"
    process.kill()
    process.wait()
    process.stderr.close()
    deadline = time.monotonic() + 60
    while (any(map(alive, family)) or any(place.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in family if alive(pid)] == []
    assert list(place.iterdir()) == []


@pytest.fixture
def place():
    """A folder for one run's own, under a short name: others on this machine keep theirs."""
    with tempfile.TemporaryDirectory(prefix="kill-") as made:
        yield Path(made)


def descendants(pid):
    """Return the pids below `pid`."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def alive(pid):
    """Say whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
