"""Logs in ASCII, for those who ask."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest

from betterguard.console import ConsoleFormatter

RECORD = logging.LogRecord("app", logging.INFO, "app.py", 1, "caf\u00e9 %s", ("\u2705",), None)


@pytest.mark.parametrize(
    ("formatter", "text"),
    [
        pytest.param(ConsoleFormatter(), "caf\u00e9 \u2705", id="as-it-is"),
        pytest.param(ConsoleFormatter(plain=True), r"caf\xe9 \u2705", id="plain"),
        pytest.param(
            ConsoleFormatter("%(levelname)s %(message)s", plain=True),
            r"INFO caf\xe9 \u2705",
            id="with-a-format",
        ),
        pytest.param(
            ConsoleFormatter("{message} {who}", style="{", defaults={"who": "\u65e5"}, plain=True),
            r"caf\xe9 \u2705 \u65e5",
            id="with-style-and-defaults",
        ),
    ],
)
def test_a_record_is_formatted(formatter: ConsoleFormatter, text: str) -> None:
    assert formatter.format(RECORD) == text


def test_a_traceback_is_plain_too() -> None:
    try:
        raise ValueError("caf\u00e9")  # noqa: EM101, TRY301 - the text is what is tested
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("app", logging.ERROR, "app.py", 1, "failed", (), info)
    lines = ConsoleFormatter(plain=True).format(record).splitlines()
    assert (lines[0], lines[-1]) == ("failed", r"ValueError: caf\xe9")


def test_a_logging_configuration_may_name_it() -> None:
    stream = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "plain": {
                    "()": "betterguard.console.ConsoleFormatter",
                    "fmt": "%(name)s: %(message)s",
                    "plain": True,
                }
            },
            "handlers": {
                "out": {"class": "logging.StreamHandler", "formatter": "plain", "stream": stream}
            },
            "loggers": {"tests.console.plain": {"handlers": ["out"], "propagate": False}},
        }
    )
    logging.getLogger("tests.console.plain").error("\U0001f600")
    assert stream.getvalue() == "tests.console.plain: \\U0001f600\n"
