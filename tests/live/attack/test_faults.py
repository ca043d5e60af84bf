from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from betterguard.live.attack import Family
from tests.live.attack.apis import ISSUER, attacked
from tests.live.attack.vulnerable.app import vulnerable_app

if TYPE_CHECKING:
    from betterguard.live.attack import Result

TASKS, TASK = "/api/users/{user_id}/tasks", "/api/users/{user_id}/tasks/{task_id}"
NOTES = "/api/projects/{project_id}/notes"
SOCKET = "WS /ws/{user_id}"


@dataclass(frozen=True)
class Found:
    """The attack that must be open, on which operation, and what follows from the same fault."""

    attack: str
    operation: str
    also: frozenset[str] = frozenset()


def opened(result: Result) -> set[str]:
    return {cell.attack.name for cell in result.open}


# What any unverified token opens.
ANY_TOKEN = frozenset(
    {
        *("alg-none", "odd-algorithm", "public-key-as-secret", "guessed-secret", "key-in-header"),
        *("key-id", "changed-payload", "header-extension", "changed-text", "oversize-token"),
        *("expired", "not-yet-valid", "other-audience", "other-issuer", "other-kind", "odd-claims"),
        *("forged-as-anonymous", "well-known-token", "doubled-credential", "other-serialisation"),
    }
)
# What a library checks less strictly than the application without a fault.
LENIENT = frozenset({"changed-text", "other-kind"})
ME, FEED = "GET /api/me", "GET /api/feed"

CREDENTIAL = {
    "no-auth-on-a-route": Found("missing-credential", f"GET {TASKS}"),
    "signature-not-verified": Found("changed-signature", ME, ANY_TOKEN),
    "alg-none-accepted": Found(
        "alg-none", ME, frozenset({"odd-algorithm", "well-known-token", "changed-text"})
    ),
    "public-key-as-secret": Found("public-key-as-secret", ME),
    "secret-can-be-guessed": Found("guessed-secret", ME),
    "key-from-the-header": Found("key-in-header", ME),
    "demo-token": Found("well-known-token", ME),
    "bypass-token": Found("well-known-token", ME),
    "exp-not-checked": Found("expired", ME, LENIENT | {"odd-claims"}),
    "nbf-not-checked": Found("not-yet-valid", ME, LENIENT),
    "aud-not-checked": Found("other-audience", ME, LENIENT),
    "iss-not-checked": Found("other-issuer", ME, LENIENT),
    "kind-not-checked": Found("other-kind", ME),
    "crash-on-missing-claim": Found("failing-check", ME, LENIENT),
    "lenient-base64": Found("changed-text", ME, LENIENT),
    "identity-from-header": Found("client-identity", ME),
    "identity-from-query": Found("client-identity", ME),
    "forged-as-anonymous": Found("forged-as-anonymous", FEED),
    "token-in-query": Found("token-in-query", ME),
    "any-scheme": Found(
        "malformed-credential", ME, frozenset({"changed-text", "doubled-credential"})
    ),
    "crash-on-malformed": Found("failing-check", ME, frozenset({"malformed-credential"})),
    "case-of-bearer": Found("scheme-case", ME),
    "last-header-wins": Found("doubled-credential", ME),
}

CROSSING = {
    "path-user-not-compared": Found("path-user", f"GET {TASKS}"),
    "list-unfiltered": Found("list-foreign", "GET /api/projects"),
    "export-leaks": Found("list-foreign", "GET /api/export"),
    "read-unfiltered": Found("read-foreign", f"GET {TASK}"),
    "children-unfiltered": Found("read-foreign", f"GET {NOTES}"),
    "update-unfiltered": Found("update-foreign", f"PUT {TASK}"),
    "patch-unfiltered": Found("update-foreign", f"PATCH {TASK}"),
    "delete-unfiltered": Found("delete-foreign", f"DELETE {TASK}"),
    "action-unfiltered": Found("act-on-foreign", f"POST {TASK}/complete"),
    "child-under-foreign-parent": Found("create-under-foreign", f"POST {NOTES}"),
    "owner-from-body": Found("assign-owner", f"POST {TASKS}"),
    "owner-changed-by-patch": Found("change-owner", f"PATCH {TASK}"),
    "id-from-body": Found("assign-id", f"POST {TASKS}"),
    "foreign-parent-accepted": Found("foreign-reference", f"POST {TASKS}"),
    "bulk-unfiltered": Found("foreign-reference", "POST /api/tasks/bulk-delete"),
    "oracle-by-status": Found("existence-oracle", f"GET {TASK}"),
    "search-leaks": Found("search-foreign", "GET /api/search"),
    "search-by-body-leaks": Found("search-foreign", "POST /api/search"),
    "count-leaks": Found("count-foreign", "GET /api/stats"),
    "query-user-believed": Found("query-user", "GET /api/projects"),
    "answers-cached-by-url": Found("cached-answer", "GET /api/projects"),
}

SURFACE = {
    "head-open": Found("undocumented-method", f"GET {TASK}"),
    "hidden-method": Found("undocumented-method", f"POST {TASK}/complete"),
    "method-override": Found("method-override", f"GET {TASK}"),
    "double-slash-unguarded": Found("path-variant", f"GET {TASKS}"),
    "websocket-open": Found("websocket", SOCKET),
    "websocket-path-not-compared": Found("path-user", SOCKET),
}


def test_nothing_is_found_without_a_fault() -> None:
    result = attacked(vulnerable_app(ISSUER))
    assert [(cell.operation, cell.attack.name, cell.note) for cell in result.open] == []
    assert result.unexercised == []
    assert result.untried == []
    assert result.left_behind == []


@pytest.mark.parametrize("fault", CREDENTIAL)
def test_a_fault_in_authentication_is_found(fault: str) -> None:
    expected = CREDENTIAL[fault]
    include = (expected.operation, FEED)
    families = frozenset({Family.CREDENTIAL})
    found = attacked(vulnerable_app(ISSUER, fault), families=families, include=include)
    assert_found(found, expected)


@pytest.mark.parametrize("fault", CROSSING)
def test_a_fault_in_isolation_is_found(fault: str) -> None:
    found = attacked(vulnerable_app(ISSUER, fault), families=frozenset({Family.CROSSING}))
    assert_found(found, CROSSING[fault])


@pytest.mark.parametrize("fault", SURFACE)
def test_a_fault_beside_the_document_is_found(fault: str) -> None:
    found = attacked(vulnerable_app(ISSUER, fault), families=frozenset({Family.SURFACE}))
    assert_found(found, SURFACE[fault])


def assert_found(result: Result, expected: Found) -> None:
    proofs = {(cell.operation, cell.attack.name): cell for cell in result.open}
    assert (expected.operation, expected.attack) in proofs
    assert opened(result) <= {expected.attack, *expected.also}
    assert proofs[expected.operation, expected.attack].note
    assert result.left_behind == []
