"""The guides hold what is true: their figures are the example's, and all that they name exists."""

import asyncio
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from ava.api.app import discover as areas
from ava.background.job import discover as jobs
from ava.cli import cli as ava
from ava.core import Core
from ava.settings import Settings as AvaSettings
from perf import guide
from perf.claim import Catalogue, ClaimError, discover
from perf.cli import cli
from perf.guide import EXAMPLE, GUIDES, GuideError, Proofs, claims_of, renewed

ROOT = Path(__file__).parent.parent
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in GUIDES}
ALL = "\n".join(TEXTS.values())
CATALOGUE = discover(["perf.claims"])
EXAMPLE_RUN = json.loads((ROOT / EXAMPLE / "results.json").read_text(encoding="utf-8"))
PROOFS = Proofs.of(CATALOGUE, EXAMPLE_RUN)
CODE = re.findall(r"`([^`\n]+)`", ALL) + [
    line for block in re.findall(r"```sh\n(.*?)```", ALL, re.DOTALL) for line in block.splitlines()
]


PRACTICES = re.findall(r"^\*\*.*?(?=^\*\*|^## |\Z)", TEXTS[GUIDES[0]], re.DOTALL | re.MULTILINE)


def started(word):
    """Return the words of every command in the guides that begins with `word`."""
    return [code.partition("#")[0].split() for code in CODE if code.split()[:1] == [word]]


@pytest.mark.parametrize("name", GUIDES)
def test_a_guides_proofs_are_the_examples(name):
    """Every figure is the one in the committed run; `python -m perf.guide` renews them."""
    assert renewed(TEXTS[name], PROOFS) == TEXTS[name]


@pytest.mark.parametrize("practice", PRACTICES)
def test_every_practice_has_its_proof(practice):
    """What no claim shows is an opinion."""
    assert claims_of(practice)


def test_there_is_a_practice_for_each_that_the_documents_establish():
    """001 section 8 alone has sixteen, of which some are one here; the guide is more than that."""
    assert len(PRACTICES) >= 30


@pytest.mark.parametrize(("word", "commands"), [("ava-perf", cli), ("ava", ava)])
def test_every_command_exists_with_its_options(word, commands):
    """What a guide tells people to type is understood."""
    found = started(word)
    assert found
    for _, name, *rest in found:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None, name
        known = {option for one in command.params for option in [*one.opts, *one.secondary_opts]}
        given = {part for part in rest if part.startswith("-")}
        assert given <= known, (name, given - known)


def test_every_maintenance_period_is_in_the_calendar():
    """And each is one that the command takes."""
    (argument,) = [p for p in ava.get_command(None, "maintain").params if p.name == "period"]
    named = {words[2] for words in started("ava") if words[1] == "maintain"}
    assert named == set(argument.type.choices)


def test_every_claim_in_a_command_exists():
    """`ava-perf profile ID` names one, unless it says ID."""
    named = {words[2] for words in started("ava-perf") if words[1] == "profile"} - {"ID"}
    assert named
    for claim_id in named:
        assert CATALOGUE.find(claim_id)


def test_every_setting_exists():
    """A variable that is gone would be an error at the start."""
    known = {
        kind.key(f.name) for kind in get_type_hints(AvaSettings).values() for f in fields(kind)
    }
    named = set(re.findall(r"AVA_[A-Z_]+", ALL))
    assert named
    assert named <= known


def test_every_address_exists():
    """Each path of the API that a guide sends people to is served."""
    named = set(re.findall(r"`(/(?:api|metrics)[^`\s]*)`", ALL))
    assert named
    assert named <= asyncio.run(_served())


async def _served():
    async with Core.open(AvaSettings()) as core:
        return {route.path for area in areas(core) for route in area.router.routes}


def test_every_metric_exists():
    """The name on the scrape is the one in the guide."""
    sources = "\n".join(p.read_text(encoding="utf-8") for p in ROOT.glob("ava/telemetry/*.py"))
    named = set(re.findall(r"`((?:argo|ava)_[a-z_]+)`", ALL))
    assert len(named) > 5
    assert {n for n in named if f'"{n.removesuffix("_total")}"' not in sources} == set()


def test_every_function_of_the_database_exists():
    """`SELECT * FROM slow_queries(500)` works on a migrated database."""
    made = {path.stem for path in (ROOT / "sql" / "functions").glob("*.sql")}
    prose = re.sub(r"<!-- proof.*?<!-- end -->", "", TEXTS["docs/runbook.md"], flags=re.DOTALL)
    named = set(re.findall(r"\b([a-z_]+)\([0-9]*\)", prose))
    assert named == made


def test_every_job_and_scenario_named_exists():
    """Jobs of the worker, files of loadtests."""
    assert {"cache_warming", "maintenance_daily"} <= set(jobs())
    named = {words[2] for words in started("ava-perf") if words[1] == "load"}
    files = set(re.findall(r"loadtests/(\w+)\.py", ALL))
    assert named | files
    for name in named | files:
        assert (ROOT / "loadtests" / f"{name}.py").exists()


BLOCK = "**Do it.** For a reason.\n<!-- proof: {} -->\n{}<!-- end -->\nAfter.\n"


def test_a_figure_that_was_typed_in_goes():
    """Only a run writes between the marks; what is around them stays."""
    made = renewed(BLOCK.format("D3.odds-sync.statements.nfl", "- ever so fast\n"), PROOFS)
    assert "ever so fast" not in made
    assert "**1\N{NO-BREAK SPACE}statement**, met (`D3.odds-sync.statements.nfl`)" in made
    assert made.startswith("**Do it.** For a reason.\n")
    assert made.endswith("<!-- end -->\nAfter.\n")


def test_renewing_twice_changes_nothing():
    """Else every run of it would be a change to commit."""
    once = renewed(BLOCK.format("D3.odds-sync.statements.nfl K2.pickle", ""), PROOFS)
    assert renewed(once, PROOFS) == once


def test_a_missed_target_is_called_missed():
    """A guide may not be prettier than the report."""
    missed = next(e["id"] for e in EXAMPLE_RUN["results"] if e["verdict"] == "missed")
    assert ", missed (" in renewed(BLOCK.format(missed, ""), PROOFS)


def test_a_claim_without_a_figure_says_so():
    """What the run does not hold is never made up."""
    empty = Proofs(CATALOGUE, PROOFS.run, PROOFS.machine, {})
    assert "no figure in the example run" in renewed(BLOCK.format("K2.pickle", ""), empty)


def test_a_claim_that_is_gone_is_refused():
    """The guide fails where its proof vanished."""
    with pytest.raises(ClaimError):
        renewed(BLOCK.format("D3.gone", ""), PROOFS)
    with pytest.raises(ClaimError):
        renewed(BLOCK.format("K2.pickle", ""), Proofs(Catalogue((), {}), {}, "", {}))


@pytest.mark.parametrize(
    "text", ["<!-- proof: K2.pickle -->\n", "<!-- proof: A\n<!-- proof: B -->\nx<!-- end -->"]
)
def test_a_proof_that_does_not_end_is_refused(text):
    """It would swallow the text up to the next one."""
    with pytest.raises(GuideError):
        renewed(text, PROOFS)


def test_a_proof_swallows_no_other():
    """Of two blocks of which the first does not end, neither is written."""
    with pytest.raises(GuideError):
        renewed("<!-- proof: K2.pickle -->\n" + BLOCK.format("K2.pickle", ""), PROOFS)


def test_the_command_tells_what_is_stale(tmp_path, monkeypatch, capsys):
    """`--check` changes nothing and ends with 1."""
    for name in GUIDES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BLOCK.format("K2.pickle", "- old\n"))
    (tmp_path / EXAMPLE).mkdir(parents=True)
    (tmp_path / EXAMPLE / "results.json").write_text(json.dumps(EXAMPLE_RUN))
    monkeypatch.chdir(tmp_path)
    for arguments, code in ((["--check"], 1), ([], 0), (["--check"], 0)):
        with pytest.raises(SystemExit) as ended:
            guide.main(arguments)
        assert ended.value.code == code
    assert "stale" in capsys.readouterr().err
