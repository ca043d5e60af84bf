from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from betterguard.live.doctor import Status
from betterguard.live.doctor.secret import FINGERPRINT_LINE, fingerprint
from tests.live.doctor.diagnosing import SECRET, diagnosed, named, subject_of

PUBLIC = {"BETTER_AUTH_URL": "https://auth.example.com", "FRONTEND_URL": "https://example.com"}
PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
PRODUCTION = {"ENVIRONMENT": "production"}
FAULTS = [
    pytest.param({}, "settings.valid", id="nothing-set"),
    pytest.param({"BETTER_AUTH_URL": "auth.example.com"}, "settings.valid", id="no-scheme"),
    pytest.param({"BETTER_AUTH_URL": "http://auth:3000"}, "settings.valid", id="keys-over-http"),
    pytest.param(
        {**PUBLIC, "FRONTEND_URL": "https://example.com/app"}, "settings.valid", id="front-end-path"
    ),
    pytest.param({**PUBLIC, **PRODUCTION, "FRONTEND_URL": ""}, "settings.valid", id="no-front-end"),
    pytest.param(
        {**PUBLIC, **PRODUCTION, "FRONTEND_URL": "http://example.com"},
        "settings.https",
        id="http-in-production",
    ),
    pytest.param(
        {**PUBLIC, **PRODUCTION, "BETTER_AUTH_URL": "http://localhost:3000"},
        "settings.loopback",
        id="loopback-in-production",
    ),
    pytest.param({"BETTER_AUTH_SECRET": "short"}, "secret.strength", id="short-secret"),
    pytest.param({"BETTER_AUTH_SECRET": "a" * 64}, "secret.strength", id="repeating-secret"),
    pytest.param({"BETTER_AUTH_SECRETS": f"2:{SECRET},1:old"}, "secret.strength", id="old-secret"),
    pytest.param(
        {"BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890"},
        "secret.default",
        id="default-secret",
    ),
    pytest.param({"BETTER_AUTH_SECRET": PEM}, "secret.kind", id="key-material"),
]
WARNINGS = [
    pytest.param(
        {**PUBLIC, "FRONTEND_URL": "https://example.com/"},
        "settings.frontend-form",
        id="trailing-slash",
    ),
    pytest.param(
        {**PUBLIC, "BETTER_AUTH_ISSUER": "https://auth.example.com/api/auth"},
        "settings.issuer",
        id="issuer-with-path",
    ),
    pytest.param(
        {**PUBLIC, "BETTER_AUTH_ISSUER": "https://auth.example.com/"},
        "settings.issuer",
        id="issuer-with-slash",
    ),
    pytest.param(
        {**PUBLIC, "FRONTEND_URL": "http://example.com"}, "settings.wise", id="front-end-over-http"
    ),
    pytest.param({**PUBLIC, "BETTER_AUTH_SECRET": SECRET}, "secret.needed", id="unused-secret"),
    pytest.param({"BETTER_AUTH_SECRET": f'"{SECRET}"'}, "secret.form", id="quoted-secret"),
]


@pytest.mark.parametrize(("variables", "check"), FAULTS)
def test_a_wrong_variable_is_named(variables: dict[str, str], check: str) -> None:
    assert named(diagnosed(subject_of(variables), "settings", "secret")) == {check}


@pytest.mark.parametrize(("variables", "check"), WARNINGS)
def test_an_unwise_variable_is_named(variables: dict[str, str], check: str) -> None:
    report = diagnosed(subject_of(variables), "settings", "secret")
    assert named(report) == set()
    assert check in named(report, Status.WARNING)


def test_sound_variables_are_neither() -> None:
    report = diagnosed(subject_of({**PUBLIC, **PRODUCTION}), "settings", "secret")
    assert named(report) | named(report, Status.WARNING) == set()


@pytest.mark.parametrize("secret", ["short", "a" * 64, f'"{SECRET}"', SECRET, PEM])
def test_no_secret_is_shown(secret: str) -> None:
    subject = subject_of({"BETTER_AUTH_SECRET": secret})
    report = diagnosed(subject, "settings", "secret")
    assert secret not in f"{report!r}{subject!r}"


def test_a_weak_secret_has_no_fingerprint() -> None:
    report = diagnosed(subject_of({"BETTER_AUTH_SECRET": "a" * 64}), "secret")
    assert "secret.fingerprint" not in {outcome.check for outcome in report.outcomes}


def test_no_password_of_an_address_is_shown() -> None:
    address = "https://app:hunter2@Example.com/"
    variables = {**PUBLIC, "FRONTEND_URL": f"https://example.com/,{address}"}
    report = diagnosed(subject_of(variables), "settings")
    assert "settings.valid" in named(report)
    assert "hunter2" not in repr(report)


def test_the_line_for_node_is_documented() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "doctor.md"
    assert f'node -e "{FINGERPRINT_LINE}"' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("secret", [SECRET, "umlaut-\u00e4\u00f6\u00fc-\u20ac-\U0001f512-and-more"])
def test_node_prints_the_same_fingerprint(secret: str) -> None:
    ran = subprocess.run(
        ["node", "-e", FINGERPRINT_LINE],
        env={"PATH": os.environ["PATH"], "BETTER_AUTH_SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == fingerprint(secret)
