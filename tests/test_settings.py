from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from betterguard import ConfigurationError, Settings
from betterguard.settings import TokenSource

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "0123456789abcdef0123456789abcdef-settings"
URL = "https://app.example"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENVIRONMENT", "APP_ENV", "VERCEL_ENV", "RAILWAY_ENVIRONMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.from_env(env_file=None)


def faults(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(monkeypatch, **variables)
    return str(caught.value)


def test_a_url_means_the_key_set_and_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, BETTER_AUTH_URL=f"{URL}/", FRONTEND_URL=URL)
    assert settings.tokens is TokenSource.JWKS
    assert settings.jwks_url == f"{URL}/api/auth/jwks"
    assert settings.issuers == settings.audiences == frozenset({URL})
    assert settings.frontend_origins == (URL,)
    assert settings.secrets == ()


def test_a_path_in_the_url_is_better_auths_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, BETTER_AUTH_URL=f"{URL}/auth")
    assert settings.jwks_url == f"{URL}/auth/jwks"
    assert settings.issuers == frozenset({URL})


def test_a_secret_alone_means_shared_secret_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, BETTER_AUTH_SECRET=SECRET)
    assert settings.tokens is TokenSource.SECRET
    assert settings.secrets == (SECRET,)
    assert settings.jwks_url is None
    assert settings.issuers is None
    assert "issuer" in settings.warnings[0]


def test_a_secret_beside_a_url_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, BETTER_AUTH_URL=URL, BETTER_AUTH_SECRET="short")
    assert settings.tokens is TokenSource.JWKS
    assert settings.secrets == ()


def test_both_kinds_of_token(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch, BETTER_AUTH_URL=URL, BETTER_AUTH_SECRET=SECRET, BETTER_AUTH_TOKENS="both"
    )
    assert settings.tokens is TokenSource.BOTH
    assert settings.secrets == (SECRET,)
    assert settings.jwks_url


def test_versioned_secrets_win(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_SECRETS=f"2:{SECRET}-new,1:{SECRET}-old",
        BETTER_AUTH_SECRET="not read",
    )
    assert settings.secrets == (f"{SECRET}-new", f"{SECRET}-old")


def test_the_key_sets_address_may_differ_from_the_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_JWKS_URL="http://auth:3000/api/auth/jwks",
        BETTER_AUTH_ISSUER=URL,
        BETTER_AUTH_ALLOW_HTTP="true",
    )
    assert settings.jwks_url == "http://auth:3000/api/auth/jwks"
    assert settings.issuers == settings.audiences == frozenset({URL})


def test_several_issuers_and_audiences(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_URL=URL,
        BETTER_AUTH_ISSUER="urn:a, urn:b",
        BETTER_AUTH_AUDIENCE="api",
    )
    assert settings.issuers == frozenset({"urn:a", "urn:b"})
    assert settings.audiences == frozenset({"api"})


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_URL=URL,
        BETTER_AUTH_LEEWAY="10",
        BETTER_AUTH_MAX_LIFETIME="3600",
        BETTER_AUTH_USER_ID_CLAIM="user_id",
        BETTER_AUTH_COOKIE_CACHE="yes",
        BETTER_AUTH_COOKIE_PREFIX="shop",
    )
    assert (settings.leeway, settings.max_lifetime) == (10.0, 3600.0)
    assert (settings.user_id_claim, settings.cookie_prefix) == ("user_id", "shop")
    assert settings.cookie_cache


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = faults(
        monkeypatch,
        BETTER_AUTH_URL="app.example",
        BETTER_AUTH_SECRET="short",
        BETTER_AUTH_TOKENS="both",
        FRONTEND_URL="https://ok.example, localhost:3000, https://x.example/home",
        FRONTEND_PREVIEW_URL="https://*.vercel.app",
        BETTER_AUTH_LEEWAY="61",
        BETTER_AUTH_MAX_LIFETIME="soon",
        BETTER_AUTH_USER_ID_CLAIM="userId",
        BETTER_AUTH_COOKIE_CACHE="perhaps",
    )
    named = [line.split()[1] for line in told.splitlines()[1:]]
    assert named == [
        "BETTER_AUTH_URL",
        "BETTER_AUTH_SECRET",
        "FRONTEND_URL",
        "FRONTEND_URL",
        "FRONTEND_PREVIEW_URL",
        "BETTER_AUTH_USER_ID_CLAIM",
        "BETTER_AUTH_LEEWAY",
        "BETTER_AUTH_MAX_LIFETIME",
        "BETTER_AUTH_COOKIE_CACHE",
    ]
    assert told.startswith("9 configuration faults:")
    assert "BETTER_AUTH_SECRET has 5 bytes, at least 32 are needed" in told
    assert "'https://x.example/home' must be an origin without a path" in told
    assert "BETTER_AUTH_LEEWAY must be a number of seconds from 0 to 60" in told


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({}, "BETTER_AUTH_URL is not set, nor BETTER_AUTH_SECRET", id="nothing"),
        pytest.param(
            {"BETTER_AUTH_TOKENS": "jwks"}, "BETTER_AUTH_TOKENS=jwks needs it", id="no-key-set"
        ),
        pytest.param(
            {
                "BETTER_AUTH_JWKS_URL": f"{URL}/api/auth/jwks",
                "BETTER_AUTH_ISSUER": URL,
                "BETTER_AUTH_COOKIE_CACHE": "true",
            },
            "BETTER_AUTH_COOKIE_CACHE needs it for the issuer of its cookies",
            id="no-issuer-of-cookies",
        ),
        pytest.param(
            {"BETTER_AUTH_TOKENS": "secret"}, "BETTER_AUTH_SECRET is not set", id="no-secret"
        ),
        pytest.param({"BETTER_AUTH_TOKENS": "cookie"}, "jwks, secret or both", id="source"),
        pytest.param(
            {"BETTER_AUTH_JWKS_URL": f"{URL}/jwks"}, "BETTER_AUTH_ISSUER is not set", id="no-issuer"
        ),
        pytest.param({"BETTER_AUTH_URL": "http://auth:3000"}, "must be https", id="http"),
        pytest.param(
            {"BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890"},
            "public development default",
            id="default-secret",
        ),
        pytest.param(
            {"BETTER_AUTH_SECRET": "ab" * 20}, "a few characters, repeated", id="weak-secret"
        ),
        pytest.param(
            {"BETTER_AUTH_SECRET": '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"}'},
            "is key material",
            id="key-material",
        ),
        pytest.param(
            {"BETTER_AUTH_SECRET": SECRET, "ENVIRONMENT": "production"},
            "FRONTEND_URL is not set",
            id="no-front-end-in-production",
        ),
        pytest.param(
            {"BETTER_AUTH_SECRET": SECRET, "VERCEL_ENV": "production"},
            "FRONTEND_URL is not set",
            id="production-by-its-host",
        ),
    ],
)
def test_a_fault_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    assert told in faults(monkeypatch, **variables)


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"BETTER_AUTH_SECRET": "hunter2"}, id="short-secret"),
        pytest.param({"BETTER_AUTH_SECRET": "hunter2" * 10}, id="weak-secret"),
        pytest.param({"BETTER_AUTH_URL": "https://ada:hunter2@app.example"}, id="url"),
        pytest.param({"FRONTEND_URL": "https://ada:hunter2@app.example"}, id="front-end"),
    ],
)
def test_no_fault_quotes_a_secret(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    assert "hunter2" not in faults(monkeypatch, **variables)


def test_no_frame_of_a_refused_start_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(monkeypatch, BETTER_AUTH_SECRET=SECRET, FRONTEND_URL="nowhere")
    frames = [entry.frame for entry in caught.traceback if "betterguard" in str(entry.path)]
    ours = [frame for frame in frames if "tests" not in str(frame.code.path)]
    assert ours
    assert not any(SECRET in repr(frame.f_locals) for frame in ours)


def test_settings_hide_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in repr(read(monkeypatch, BETTER_AUTH_SECRET=SECRET))


def test_an_insecure_front_end_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch, BETTER_AUTH_URL=URL, FRONTEND_URL="http://shop.example, http://localhost:3000"
    )
    assert settings.warnings == ("FRONTEND_URL: http://shop.example is not https",)


def test_a_dotenv_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    text = f"\ufeffBETTER_AUTH_URL={URL}\nFRONTEND_URL='https://a.example,https://b.example'\nOTHER=1\n"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("FRONTEND_URL", "https://c.example")
    settings = Settings.from_env(file)
    assert settings.issuers == frozenset({URL})
    assert settings.frontend_origins == ("https://c.example",)


HOOK_SECRET = "fedcba9876543210fedcba9876543210-settings"


def test_a_store_of_revocations(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_URL=URL,
        BETTER_AUTH_REVOCATION_STORE="rediss://:hidden-password@redis/0",
        BETTER_AUTH_REVOCATION_SECRET=HOOK_SECRET,
        BETTER_AUTH_REVOCATION_MAX_STALENESS="0",
    )
    assert settings.revocation_store == "rediss://:hidden-password@redis/0"
    assert settings.revocation_secret == HOOK_SECRET
    assert settings.revocation_max_staleness == 0.0
    assert "hidden-password" not in repr(settings)
    assert HOOK_SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        pytest.param({"STORE": "mysql://ada:hidden-password@db"}, "must be memory", id="store"),
        pytest.param({"STORE": "postgresql://db"}, r"postgresql\+asyncpg://", id="no-driver"),
        pytest.param({"SECRET": HOOK_SECRET}, "has no use without", id="secret-alone"),
        pytest.param({"STORE": "memory", "SECRET": "short"}, "at least 32", id="short"),
        pytest.param({"STORE": "memory", "SECRET": SECRET}, "make another", id="same-secret"),
        pytest.param({"STORE": "memory", "MAX_STALENESS": "-1"}, "from 0 up", id="staleness"),
    ],
)
def test_revocation_settings_that_cannot_be_meant(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], fault: str
) -> None:
    named = {f"BETTER_AUTH_REVOCATION_{name}": value for name, value in variables.items()}
    told = faults(monkeypatch, BETTER_AUTH_URL=URL, BETTER_AUTH_SECRET=SECRET, **named)
    assert re.search(fault, told)
    assert "hidden-password" not in told


def test_memory_in_production_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        BETTER_AUTH_URL=URL,
        FRONTEND_URL=URL,
        ENVIRONMENT="production",
        BETTER_AUTH_REVOCATION_STORE="memory",
    )
    assert any("REVOCATION_STORE" in warning for warning in settings.warnings)
