"""What is logged comes out as one line that machines or people can read, whoever logged it, without secrets."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from updater.core.masking import MASK
from updater.errors import UsageError
from updater.telling import logs

HUSH = "hush-hush-hush"
LOGGERS = ("", *logs._OTHERS, *logs._TALKATIVE)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leaves logging as it was."""
    known = [logging.getLogger(name) for name in LOGGERS]
    before = [(each.handlers[:], each.level, each.propagate) for each in known]
    raises = logging.raiseExceptions
    yield
    logging.captureWarnings(False)
    logging.raiseExceptions = raises
    for each, (handlers, level, propagate) in zip(known, before, strict=True):
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)


def listening(form: logs.Form = "json", level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    logs.set_up(stream, form=form, secrets=[HUSH], level=level)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def logger(name: str = "updater.working") -> logging.Logger:
    return logging.getLogger(name)


def failing() -> None:
    unheard_of = "in a variable"
    try:
        raise KeyError(f"no\n{unheard_of[-3:]}")
    except KeyError as error:
        raise ValueError(f"cannot use {HUSH}") from error


def test_a_line_has_time_level_logger_message_and_the_fields() -> None:
    stream = listening()
    logger().info("pushed %d commits", 2, extra={"event": "generic/id-1", "source": "generic", "seconds": 0.5})
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "updater.working",
        "message": "pushed 2 commits",
        "event": "generic/id-1",
        "source": "generic",
        "seconds": 0.5,
    }


@pytest.mark.parametrize(
    "name", ["updater.x", "uvicorn.error", "uvicorn.access", "google.cloud.pubsub_v1", "py.warnings"]
)
def test_lines_of_libraries_come_out_alike(name: str) -> None:
    logging.getLogger("uvicorn").propagate = False
    logging.getLogger("uvicorn.access").addHandler(logging.NullHandler())
    logging.getLogger("google").propagate = False
    stream = listening()
    logger(name).error("it says")
    assert [(line["logger"], line["message"]) for line in lines(stream)] == [(name, "it says")]


def test_setting_up_again_does_not_tell_everything_twice() -> None:
    listening()
    stream = listening()
    logger().info("once")
    assert len(lines(stream)) == 1


def test_no_field_takes_the_place_of_ours() -> None:
    stream = listening()
    logger().info("m", extra={"level": "x", "logger": "x", "timestamp": "x", "exception": "x"})
    (line,) = lines(stream)
    assert (line["level"], line["logger"], line["message"]) == ("info", "updater.working", "m")
    assert line["timestamp"] != "x"


@pytest.mark.parametrize(("level", "told"), [("DEBUG", 2), ("INFO", 1), ("ERROR", 0)])
def test_what_is_less_than_the_level_is_not_told(level: str, told: int) -> None:
    stream = listening(level=level)
    logger().debug("much")
    logger().info("more")
    assert len(lines(stream)) == told


@pytest.mark.parametrize(("level", "told"), [("DEBUG", ["that"]), ("ERROR", [])])
def test_libraries_do_not_tell_of_each_request_with_its_address(level: str, told: list[str]) -> None:
    stream = listening(level=level)
    logger("httpx").info("POST https://example.org/?key=abc")
    logger("httpx").warning("that")
    assert [line["message"] for line in lines(stream)] == told


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_strangers_cannot_fill_the_log_with_what_is_no_http(level: str) -> None:
    stream = listening(level=level)
    logger("uvicorn.error").warning("Invalid HTTP request received.")
    logger("uvicorn.error").error("Exception in ASGI application")
    assert [line["message"] for line in lines(stream)] == ["Exception in ASGI application"]


def test_a_failure_is_told_with_its_cause_and_where_it_was_and_no_values() -> None:
    stream = listening()
    try:
        failing()
    except ValueError:
        logger().exception("it failed")
    failure, cause = lines(stream)[0]["exception"]
    assert (failure["type"], failure["message"]) == ("ValueError", f"cannot use {MASK}")
    assert (cause["type"], cause["message"]) == ("KeyError", "'no\\nble'")
    assert [place.rpartition(" ")[2] for place in failure["trace"]][1:] == ["failing"]
    assert "in a variable" not in stream.getvalue()


def test_a_line_about_a_failure_where_there_is_none_is_told_all_the_same() -> None:
    stream = listening("console")
    logger().error("it failed", exc_info=True)
    logger().error("it failed", exc_info=(None, None, None))
    assert stream.getvalue().count("it failed") == 2


def test_lines_inside_know_the_events_they_are_about() -> None:
    stream = listening()
    with logs.correlated("generic/1"):
        logger("updater.adapters.git").info("fetch")
        with logs.correlated("a/2", "b/3"):
            logger().info("push")
        logger().info("other", extra={"event": "mine/4"})
    logger().info("outside")
    assert [line.get("event") for line in lines(stream)] == ["generic/1", "a/2, b/3", "mine/4", None]


def test_a_large_batch_names_its_first_events_and_how_many_more() -> None:
    stream = listening()
    with logs.correlated(*(f"g/{number}" for number in range(500))):
        logger().info("push")
    assert lines(stream)[0]["event"].endswith("g/19 and 480 more")


def test_another_thread_is_about_other_events() -> None:
    stream = listening()

    def work() -> None:
        logger().info("there")

    with logs.correlated("generic/1"):
        thread = threading.Thread(target=work, name="other")
        thread.start()
        thread.join()
    assert "event" not in lines(stream)[0]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_is_in_no_part_of_a_line(form: logs.Form) -> None:
    stream = listening(form)
    with logs.correlated(f"generic/{HUSH}"):
        try:
            failing()
        except ValueError:
            logger(f"a.{HUSH}").exception("%s", HUSH, extra={"a": HUSH, "b": {HUSH: [HUSH]}, "c": ValueError(HUSH)})
    assert MASK in stream.getvalue()
    assert HUSH not in stream.getvalue()


def test_a_secret_at_the_end_of_what_is_cut_is_not_cut_in_two() -> None:
    stream = listening()
    logger().info("x" * (logs.LONGEST - 4) + HUSH + "y" * 100)
    message = lines(stream)[0]["message"]
    assert len(message) == logs.LONGEST + 1
    assert message.endswith(f"x{MASK}y…")


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\r\x1b\x9b\x00\u2028\u202e\x85"), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=TEXT, value=TEXT, deep=TEXT)
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_record_is_one_line_that_no_terminal_obeys(form: logs.Form, message: str, value: str, deep: str) -> None:
    stream = listening(form)
    try:
        raise ValueError(value)
    except ValueError:
        logger().exception("%s", message, extra={"value": value, "deep": {deep: [deep]}})
    told = stream.getvalue()
    assert told.endswith("\n")
    assert told.count("\n") == 1
    assert "\x1b" not in told
    if form == "console":
        assert told[:-1].isprintable()
    else:
        assert lines(stream)[0]["value"] == value


def test_colours_are_for_terminals_alone() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        logs.set_up(stream, form="console", secrets=(), level="INFO")
        logger().info("hello", extra={"n": 1})
    assert "\x1b" not in plain.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_a_line_that_cannot_be_written_is_not_printed_raw(capsys: pytest.CaptureFixture[str]) -> None:
    listening()
    logger().info("%d", HUSH)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("environ", "is_terminal", "asked"),
    [
        ({}, True, logs.Logging("console", "INFO")),
        ({}, False, logs.Logging("json", "INFO")),
        ({"UPDATER_LOG": "json", "UPDATER_LOG_LEVEL": "debug"}, True, logs.Logging("json", "DEBUG")),
        ({"UPDATER_LOG": "console"}, False, logs.Logging("console", "INFO")),
    ],
)
def test_terminals_get_words_and_others_json_unless_the_environment_says(
    environ: dict[str, str], is_terminal: bool, asked: logs.Logging
) -> None:
    assert logs.read(environ, is_terminal=is_terminal) == asked


@pytest.mark.parametrize("name", ["UPDATER_LOG", "UPDATER_LOG_LEVEL"])
def test_another_word_is_refused_by_the_name_of_its_variable(name: str) -> None:
    with pytest.raises(UsageError, match=f"^{name} is 'loud'$"):
        logs.read({name: "loud"}, is_terminal=False)


def test_secrets_come_from_variables_files_and_addresses(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    environ = {
        "UPDATER_HOOK_SECRET_QUAY": "in-a-variable",
        "UPDATER_GITHUB_APP_KEY_FILE": str(tmp_path / "key"),
        "UPDATER_REPO": "https://alice:in-an-address@example.org/x.git",
        "HTTPS_PROXY": "http://bob:of-the-proxy@example.org",
        "UPDATER_GITHUB_TOKEN": "",
        "PATH": "/usr/bin",
    }
    assert logs.secrets(environ) == {"in-a-variable", "from-a-file", "in-an-address", "of-the-proxy"}
