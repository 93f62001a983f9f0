"""What the documents say, held against the code, so that it cannot go stale."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

from perf.cli import cli
from perf.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "reports" / "example"


def test_the_excerpt_is_from_the_example_report():
    """Every line of the README's excerpt stands in the committed report."""
    excerpt = README.partition("<!-- excerpt -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in excerpt.splitlines() if line.strip()]
    report = (EXAMPLE / "report.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 8
    assert [line for line in lines if line not in report] == []


def test_the_example_is_a_full_run_of_a_commit():
    """What is shown to newcomers was measured at full size, on code that is in the history."""
    run = json.loads((EXAMPLE / "results.json").read_text(encoding="utf-8"))["run"]
    assert run["profile"] == "full"
    assert run["selection"] is None
    assert run["commit"]
    assert not run["dirty"]


def test_every_command_of_the_readme_exists():
    """`ava-perf X` in the README is a command."""
    named = set(re.findall(r"`ava-perf (\w+)", README))
    assert named <= set(cli.commands)
    assert set(cli.commands) <= named


def test_the_configuration_table_is_complete():
    """Each setting is in the README with its variable and default."""
    for setting in fields(Settings):
        key = setting.name.replace("_", "-")
        assert f"| `{key}` | `AVA_PERF_{setting.name.upper()}` |" in README


def test_the_readmes_claim_can_be_discovered(tmp_path):
    """The example of a claim is Python that declares one."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    namespace = {"__name__": "perf_claims"}
    exec(compile(code, "README.md", "exec"), namespace)  # noqa: S102 - the README's own code
    assert namespace["join_is_faster"].__ava_perf_claims__[0].id == "A1.join.faster"


def test_the_readmes_configuration_is_toml():
    """The example of a setting is one that is known."""
    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)[1]
    table = tomllib.loads(text)["tool"]["ava-perf"]
    assert set(table) <= {field.name for field in fields(Settings)}


def test_the_lock_names_no_index():
    """Whoever installs decides from where."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "index" not in lock.replace("--hash", "")
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > 100
