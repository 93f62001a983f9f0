"""Where settings come from, and that a wrong one is never ignored."""

import pytest

from perf.settings import Settings, SettingsError, read


def project(tmp_path, text):
    """Return a project folder whose pyproject.toml holds `text`."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_defaults_without_a_project(tmp_path):
    """An empty folder is enough."""
    assert read(tmp_path, {}) == Settings()


def test_the_environment_beats_the_project(tmp_path):
    """Flag > environment > pyproject > default."""
    root = project(tmp_path, '[tool.ava-perf]\nprofile = "full"\nout = "a"\n')
    settings = read(root, {"AVA_PERF_OUT": "b"})
    assert (settings.profile, settings.out) == ("full", "b")


def test_a_flag_beats_the_environment(tmp_path):
    """The nearest wins."""
    assert read(tmp_path, {"AVA_PERF_OUT": "b"}).with_flags(out="c", profile=None).out == "c"


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("[tool.ava-perf]\nprofil = 'full'\n", {}, "did you mean 'profile'"),
        ("[tool.ava-perf]\nprofile = 'fast'\n", {}, "quick and full"),
        ("[tool.ava-perf]\nstrict = 'yes'\n", {}, "must be a bool"),
        ("[tool.ava-perf]\nclaims = 'a.b'\n", {}, "list of strings"),
        ("[tool.ava-perf]\nnoise-limit = 7\n", {}, "between 0 and 1"),
        ("[tool.ava-perf\n", {}, "cannot be read"),
        ("", {"AVA_PERF_PROFIL": "full"}, "did you mean 'profile'"),
        ("", {"AVA_PERF_STRICT": "maybe"}, "say 1 or 0"),
        ("", {"AVA_PERF_NOISE_LIMIT": "low"}, "not a number"),
        ("", {"AVA_PERF_CLAIMS": " , "}, "names no package"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, environment, words):
    """The message says which setting, and what is allowed."""
    with pytest.raises(SettingsError, match=words):
        read(project(tmp_path, text), environment)


def test_variables_of_the_lab_are_known(tmp_path):
    """They are read elsewhere, and are not mistakes."""
    assert read(tmp_path, {"AVA_PERF_POSTGRES_BIN": "wheel"}) == Settings()


def test_a_list_in_the_environment_is_split_at_commas(tmp_path):
    """Several claims packages may be named."""
    assert read(tmp_path, {"AVA_PERF_CLAIMS": "a, b.c"}).claims == ("a", "b.c")
