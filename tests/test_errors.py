from __future__ import annotations

import inspect
import pickle

import pytest

from betterguard import errors

ANSWERS = [
    (errors.MissingToken, 401, "missing_token", "Missing token"),
    (errors.InvalidToken, 401, "invalid_token", "Invalid token"),
    (errors.ExpiredToken, 401, "token_expired", "Token expired"),
    (errors.RevokedToken, 401, "token_revoked", "Token revoked"),
    (errors.MalformedCredential, 401, "invalid_request", "Invalid token"),
    (errors.Forbidden, 403, "forbidden", "Forbidden"),
    (errors.KeysUnavailable, 503, "keys_unavailable", "Authentication temporarily unavailable"),
    (
        errors.RevocationsUnavailable,
        503,
        "revocations_unavailable",
        "Authentication temporarily unavailable",
    ),
    (errors.InternalError, 500, "internal_error", "Internal Server Error"),
]


@pytest.mark.parametrize(("kind", "status", "code", "detail"), ANSWERS)
def test_each_error_has_its_public_answer(
    kind: type[errors.AuthError], status: int, code: str, detail: str
) -> None:
    error = kind()
    assert (error.status, error.code, error.detail) == (status, code, detail)


def test_the_table_above_names_every_error() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.AuthError) and kind is not errors.AuthError
    }
    assert kinds == {row[0] for row in ANSWERS}
    assert {kind.__name__ for kind in kinds} < set(errors.__all__)


def test_a_configuration_error_lists_every_fault() -> None:
    error = errors.ConfigurationError(["FRONTEND_URL is empty", "BETTER_AUTH_SECRET is short"])
    assert error.faults == ("FRONTEND_URL is empty", "BETTER_AUTH_SECRET is short")
    assert str(error) == (
        "2 configuration faults:\n  - FRONTEND_URL is empty\n  - BETTER_AUTH_SECRET is short"
    )


def test_faults_come_out_of_another_process_as_they_went_in() -> None:
    error = errors.ConfigurationError(["one is wrong", "two is wrong"])
    back = pickle.loads(pickle.dumps(error))  # noqa: S301  # its own
    assert (back.faults, str(back)) == (error.faults, str(error))
