"""What the documents say, held against the code, so that it cannot go stale."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from ava.background.job import discover
from ava.cli import cli as ava
from ava.settings import Settings as AvaSettings
from ava.signals.config import config_of
from perf.cli import cli
from perf.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
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
    assert named <= set(cli.list_commands(None))
    assert set(cli.list_commands(None)) <= named


def test_the_configuration_table_is_complete():
    """Each setting is in the README with its variable and default."""
    for setting in fields(Settings):
        key = setting.name.replace("_", "-")
        assert f"| `{key}` | `AVA_PERF_{setting.name.upper()}` |" in README


def test_every_setting_of_the_platform_is_explained():
    """Each variable stands in the guide with its default."""
    sections = [(kind, kind()) for kind in get_type_hints(AvaSettings).values()]
    shown = {
        kind.key(f.name): getattr(made, f.name) for kind, made in sections for f in fields(made)
    }
    rows = dict(re.findall(r"^\| `(AVA_\w+)` \| ([^|]*?) ?\|", GUIDE, re.MULTILINE))
    assert rows == {key: "" if value is None else str(value) for key, value in shown.items()}


def test_every_job_is_in_the_guide():
    """What works by itself is named where people look for it."""
    table = GUIDE.partition("| job |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(discover())


def test_every_command_of_the_platform_is_in_the_guide():
    """And no other."""
    named = set(re.findall(r"^\| `ava (\w+)", GUIDE, re.MULTILINE))
    assert named == set(ava.list_commands(None))


def test_the_guides_configuration_of_trading_is_one():
    """The example is read as it stands."""
    text = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[1]
    assert config_of(tomllib.loads(text), "guide").symbols == ("AAPL", "MSFT")


def example(import_line):
    """Return the README's Python example that holds an import."""
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (found,) = [text for text in examples if import_line in text]
    return found


def test_the_readmes_claim_can_be_discovered():
    """The example of a claim is Python that declares one."""
    code = example("from perf.claim import")
    namespace = {"__name__": "perf_claims"}
    exec(compile(code, "README.md", "exec"), namespace)  # noqa: S102 - the README's own code
    assert namespace["join_is_faster"].__ava_perf_claims__[0].id == "A1.join.faster"


def test_the_readmes_cache_runs(capsys):
    """The example of a cache prints what was fetched."""
    exec(compile(example("import Cache"), "README.md", "exec"), {"__name__": "example"})  # noqa: S102 - the README's own code
    assert capsys.readouterr().out == "{'price': 101.5}\n"


def test_the_readmes_question_is_answered(lab, tmp_path, capsys):
    """The example asks providers: here simulated ones, else as printed."""
    code = example("import open_blocking")
    simulation = lab.providers("yahoo", "finnhub")
    asked = "open_blocking(Settings.from_environment(os.environ))"
    assert asked in code
    how = {
        "settings": AvaSettings.from_environment(
            {
                "AVA_KEY_FINNHUB": simulation.key("finnhub"),
                "AVA_STATE_DIRECTORY": str(tmp_path),
            }
        ),
        "urls": {name: simulation.url(name) for name in simulation.names}
        | {"yahoo_door": simulation.url("yahoo")},
    }
    code = code.replace(asked, "open_blocking(**how)")
    exec(compile(code, "README.md", "exec"), {"__name__": "example", "how": how})  # noqa: S102 - the README's own code
    provider, price = capsys.readouterr().out.split()[:2]
    assert provider in simulation.names
    assert float(price) > 0


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
