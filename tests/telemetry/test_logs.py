"""Logs through a bounded queue: what they say, what they leave out, and what they never do."""

import io
import json
import logging
import threading
import warnings

import pytest

from ava.section import Secret
from ava.settings import (
    ApiSettings,
    DatabaseSettings,
    LogSettings,
    ProviderKeys,
    Settings,
    SettingsError,
)
from ava.telemetry.context import REQUEST
from ava.telemetry.lines import as_text
from ava.telemetry.logs import Backlog, Queued, configure_logging
from ava.telemetry.scrub import Scrubber

logger = logging.getLogger("ava.example")

JSON = Settings(log=LogSettings(form="json"))


def logged(work, settings=JSON, **options):
    """Return the lines that are in the stream once the logs are closed again."""
    stream = io.StringIO()
    with configure_logging(settings, stream=stream, **options):
        work()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object():
    """With time, level, logger, message, and what the call said besides."""
    [line] = logged(lambda: logger.info("synced %d games", 3, extra={"sport": "nfl"}))
    assert list(line) == ["at", "level", "logger", "message", "sport"]
    assert line["level"] == "info"
    assert line["message"] == "synced 3 games"
    assert line["sport"] == "nfl"
    assert line["at"].endswith("+00:00")


def test_an_error_brings_its_traceback():
    """As text, on the same line."""

    def work():
        try:
            int("odd")
        except ValueError:
            logger.exception("failed")

    [line] = logged(work)
    assert line["error"].splitlines()[-1] == (
        "ValueError: invalid literal for int() with base 10: 'odd'"
    )
    assert "\n" not in json.dumps(line)


def test_a_value_that_changes_later_is_logged_as_it_was():
    """The text is made when it is logged, not when it is written."""
    games = ["one"]

    def work():
        logger.info("games: %s", games)
        games.append("two")

    assert logged(work)[0]["message"] == "games: ['one']"


def test_a_line_names_its_request():
    """By the id that the response carries, and by its trace."""

    class Request:
        id, trace = "abc-1", "0af7651916cd43dd8448eb211c80319c"

    def work():
        token = REQUEST.set(Request())
        logger.info("inside")
        REQUEST.reset(token)
        logger.info("outside")

    inside, outside = logged(work)
    assert (inside["request"], inside["trace"]) == (Request.id, Request.trace)
    assert "request" not in outside


SECRETS = Settings(
    log=LogSettings(form="json"),
    database=DatabaseSettings(url=Secret("postgresql://ava:p%40ssw0rd!@db:5432/ava")),
    keys=ProviderKeys(finnhub=Secret("finn/key+1234")),
    api=ApiSettings(keys=Secret("desk:desk-secret,bot:bot-secret")),
)


@pytest.mark.parametrize(
    "text",
    [
        "connecting to postgresql://ava:p%40ssw0rd!@db:5432/ava",
        "password is p@ssw0rd!",
        "GET /quote?token=finn%2Fkey%2B1234",
        "key finn/key+1234 was refused",
        "caller sent desk-secret",
        "redis://:another-one@cache:6379/0 is away",
        "host=db password=another-one dbname=ava",
        "Authorization: Bearer another-one",
        "https://x.example/v1?apikey=another-one&symbol=A",
        '{"password": "another-one"}',
    ],
)
def test_no_secret_reaches_the_log(text):
    """Those of the settings in every spelling, and what looks like one."""
    [line] = logged(lambda: logger.warning("%s", text, extra={"said": text}), SECRETS)
    for secret in ("p%40ssw0rd", "p@ssw0rd", "finn", "desk-secret", "another-one"):
        assert secret not in json.dumps(line)
    assert "***" in line["message"]
    assert "***" in line["said"]


def test_a_traceback_is_scrubbed_too():
    """Foreign errors quote the connection string."""

    def work():
        try:
            int("postgresql://ava:p%40ssw0rd!@db:5432/ava")
        except ValueError:
            logger.exception("no database")

    assert "ssw0rd" not in json.dumps(logged(work, SECRETS))


def test_what_is_no_secret_stays():
    """A scrubber that blanks ordinary words blanks the log."""
    text = "GET /api/v1/automation/{name} took 3 ms, statement portfolio_history, 12 rows"
    assert Scrubber(SECRETS)(text) == text


def test_a_short_password_does_not_blank_words():
    """It is the user's name, and half of every logger's; only its place gives it away."""
    settings = Settings(database=DatabaseSettings(url=Secret("postgresql://ava:ava@db/ava")))
    scrub = Scrubber(settings)
    assert scrub("ava.db says postgresql://ava:ava@other") == (
        "ava.db says postgresql://ava:***@other"
    )


class Stuck(io.StringIO):
    """A stream whose reader does not read."""

    def __init__(self):
        super().__init__()
        self.reached, self.freed = threading.Event(), threading.Event()

    def write(self, text):
        self.reached.set()
        self.freed.wait(10)
        return super().write(text)


def test_a_full_queue_drops_and_counts_and_does_not_wait():
    """The stream is stuck; a hundred lines are logged all the same, and ten are kept."""
    stream = Stuck()
    with configure_logging(JSON, stream=stream, most=10) as logs:
        logger.error("first")  # wakes the writer, which is stuck with it
        assert stream.reached.wait(5)
        for n in range(100):
            logger.info("line %d", n)
        assert len(logs.backlog) == 10
        assert logs.backlog.dropped == 90
        stream.freed.set()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines[:3]] == ["first", "line 0", "line 1"]
    assert lines[-1]["message"] == "90 log lines were dropped: the queue was full"


def test_an_error_is_written_at_once():
    """The last words of a process must not wait for the next round."""
    stream = Stuck()
    stream.freed.set()
    with configure_logging(JSON, stream=stream):
        logger.error("now")
        assert stream.reached.wait(5)


def test_a_stream_that_fails_fails_nobody():
    """A closed pipe; what was lost is counted."""

    class Broken(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    with configure_logging(JSON, stream=Broken()) as logs:
        logger.info("lost")
        logs.writer.flush()
        assert logs.backlog.dropped >= 1


def test_a_call_with_wrong_arguments_does_not_fail(capsys):
    """As logging has it: the caller goes on, and stderr says which call it was."""
    logged(lambda: logger.info("%d games", "three"))
    assert "Logging error" in capsys.readouterr().err


def test_warnings_are_logged():
    """Whoever warns is heard in the same place."""

    def work():
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            logging.captureWarnings(capture=True)
            warnings.warn("old", DeprecationWarning, stacklevel=1)

    [line] = logged(work)
    assert line["logger"] == "py.warnings"


def test_the_level_is_heeded():
    """Nothing below it is even queued."""
    settings = Settings(log=LogSettings(form="json", level="warning"))
    assert logged(lambda: logger.info("no"), settings) == []


def test_everything_is_put_back():
    """Handlers and level of the root logger are as before."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    logged(lambda: None)
    assert (list(root.handlers), root.level) == before
    assert not any(isinstance(handler, Queued) for handler in root.handlers)


def test_a_terminal_gets_lines_for_people():
    """Time, level, logger and message, then the rest as name=value."""
    shown = {
        "at": "2026-01-05T14:30:00.123+00:00",
        "level": "warning",
        "logger": "ava.db.slow",
        "message": "slow statement",
        "statement": "alerts",
        "error": "ValueError: odd\n",
    }
    assert as_text(shown, Scrubber()) == (
        "14:30:00.123 warning  ava.db.slow: slow statement  statement=alerts\nValueError: odd"
    )


@pytest.mark.parametrize(("terminal", "form"), [(True, "human"), (False, "json")])
def test_the_form_follows_the_stream(terminal, form):
    """People read terminals, programs read the rest; a setting overrules."""
    assert LogSettings().form_for(terminal=terminal) == form
    assert LogSettings(form="json").form_for(terminal=terminal) == "json"


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"form": "xml"}, {"access": "maybe"}])
def test_a_setting_that_is_no_word_of_it_is_refused(wrong):
    """With the words there are."""
    with pytest.raises(SettingsError, match="AVA_LOG_"):
        LogSettings(**wrong)


def test_a_backlog_gives_its_oldest_first():
    """In the order they came, as many as asked for."""
    backlog = Backlog(3)
    for line in ("a", "b", "c", "d"):
        backlog.add(line)
    assert backlog.take(2) == ["a", "b"]
    assert (len(backlog), backlog.dropped) == (1, 1)
