"""Every attack by name: what it tries, how bad it is when it works, what to do then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from betterguard.audit import Severity

__all__ = ["ATTACKS", "Attack", "Family", "named"]

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW


class Family(StrEnum):
    """What an attack turns on."""

    CREDENTIAL = "credential"
    CROSSING = "crossing"
    SURFACE = "surface"


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack's stable name and its explanation in two sentences."""

    name: str
    family: Family
    severity: Severity
    tries: str
    cure: str


def _credential(name: str, severity: Severity, tries: str, cure: str) -> Attack:
    return Attack(name, Family.CREDENTIAL, severity, tries, cure)


def _crossing(name: str, severity: Severity, tries: str, cure: str) -> Attack:
    return Attack(name, Family.CROSSING, severity, tries, cure)


def _surface(name: str, severity: Severity, tries: str, cure: str) -> Attack:
    return Attack(name, Family.SURFACE, severity, tries, cure)


_VERIFY = "Check the signature with the key's own algorithm before anything in it is believed."
_FILTER = "Filter by the verified token's user in the query itself."

_ALL = (
    _credential(
        "missing-credential",
        CRITICAL,
        "The request without any credential.",
        "Let the route depend on the verified user.",
    ),
    _credential(
        "malformed-credential",
        LOW,
        "A valid token under another scheme, without one, twice, or an empty header.",
        "Take exactly one `Bearer` credential; answer 401 to anything else.",
    ),
    _credential(
        "scheme-case",
        LOW,
        "A valid token as `bearer` and `BEARER`, which must be as good as `Bearer`.",
        "Compare the scheme's name without regard to case (RFC 9110 §11.1).",
    ),
    _credential(
        "alg-none",
        CRITICAL,
        "The token unsigned, `alg` none in four spellings.",
        "Allow the key's own algorithm and no other.",
    ),
    _credential(
        "odd-algorithm",
        CRITICAL,
        "The header without `alg`, or with one of another type, case or family.",
        "Compare `alg` exactly with what the key allows.",
    ),
    _credential(
        "public-key-as-secret",
        CRITICAL,
        "HS256 keyed with the published key: PEM, DER, SSH, JWK and more.",
        "Bind each algorithm to one kind of key.",
    ),
    _credential(
        "guessed-secret",
        CRITICAL,
        "HS256 with an empty secret and with those that examples and defaults use.",
        "Use a random secret of 32 bytes or more, and have no default for it.",
    ),
    _credential(
        "key-in-header",
        CRITICAL,
        "A token that brings its own key: `jwk`, `jku`, `x5u`, `x5c`.",
        "Take keys from configuration alone.",
    ),
    _credential(
        "key-id",
        HIGH,
        "Key ids with paths, SQL, line ends, other types or 10 kB.",
        "Look the id up among known keys, and do nothing else with it.",
    ),
    _credential("changed-signature", CRITICAL, "The signature cut, bent or emptied.", _VERIFY),
    _credential(
        "changed-payload", CRITICAL, "Another user, or more time, under the old signature.", _VERIFY
    ),
    _credential(
        "header-extension",
        MEDIUM,
        "Unknown or empty `crit`, `b64` false, `zip`.",
        "Refuse header extensions that are not understood (RFC 7515 §4.1.11).",
    ),
    _credential(
        "changed-text",
        LOW,
        "Padding, spaces and stray characters in the token's text.",
        "Decode base64url strictly: one token, one spelling.",
    ),
    _credential(
        "other-serialisation",
        HIGH,
        "One, two or four segments, JSON serialisations, an encrypted token.",
        "Take the compact form of a signed token and no other.",
    ),
    _credential(
        "oversize-token",
        MEDIUM,
        "Tokens of 17 kB and more.",
        "Cap the length before parsing.",
    ),
    _credential(
        "expired", HIGH, "A well-signed token whose time is over.", "Check `exp`, and require it."
    ),
    _credential(
        "not-yet-valid",
        MEDIUM,
        "A well-signed token from an hour ahead (`nbf`).",
        "Check `nbf`.",
    ),
    _credential(
        "other-audience",
        HIGH,
        "A well-signed token that is meant for another service.",
        "Compare `aud` with this service's own.",
    ),
    _credential(
        "other-issuer",
        HIGH,
        "A well-signed token that names another issuer.",
        "Compare `iss` with Better Auth's origin.",
    ),
    _credential(
        "odd-claims",
        MEDIUM,
        "Well-signed tokens without subject or expiry, or with ones of another type.",
        "Require the claims and check their types; answer 401.",
    ),
    _credential(
        "other-kind",
        CRITICAL,
        "Well-signed tokens of another kind: e-mail verification, session cache, OAuth.",
        "Demand the shape of an API token: subject, issuer, audience and no foreign `typ`.",
    ),
    _credential(
        "well-known-token",
        CRITICAL,
        "Back doors that people leave in: `test`, `demo.<base64>.`, `….bypass-…` and others.",
        "Remove the back door; sign development tokens with `betterguard.testing`.",
    ),
    _credential(
        "token-in-query",
        MEDIUM,
        "The valid token in the query string, where logs and histories keep it.",
        "Read tokens from the Authorization header alone.",
    ),
    _credential(
        "doubled-credential",
        LOW,
        "A forged and the valid token in two headers, or in one.",
        "Refuse requests with more than one credential.",
    ),
    _credential(
        "client-identity",
        CRITICAL,
        "No token, and the user's id in headers and queries.",
        "Take the user from the verified token and from nothing else.",
    ),
    _credential(
        "failing-check",
        MEDIUM,
        "Any of these credentials, answered with a 5xx.",
        "Catch what reading a token may raise, and answer 401.",
    ),
    _credential(
        "forged-as-anonymous",
        HIGH,
        "A forged token where signing in is optional.",
        "Treat a bad token as an error, never as no token.",
    ),
    _crossing("read-foreign", CRITICAL, "Read another user's object by its id.", _FILTER),
    _crossing(
        "list-foreign",
        CRITICAL,
        "Find another user's objects in a list, an export or another answer.",
        _FILTER,
    ),
    _crossing(
        "search-foreign",
        CRITICAL,
        "Find another user's objects through query parameters and searches.",
        _FILTER,
    ),
    _crossing(
        "count-foreign",
        MEDIUM,
        "Watch a number grow while another user adds objects.",
        "Count the user's own rows only.",
    ),
    _crossing("update-foreign", CRITICAL, "Change another user's object.", _FILTER),
    _crossing("delete-foreign", CRITICAL, "Delete another user's object.", _FILTER),
    _crossing("act-on-foreign", CRITICAL, "Call an operation on another user's object.", _FILTER),
    _crossing(
        "create-under-foreign",
        HIGH,
        "Add an object under another user's.",
        "Look the parent up among the user's own rows first.",
    ),
    _crossing(
        "path-user",
        CRITICAL,
        "Put another user's id into the path, with one's own token.",
        "Compare the path's user with the token's; answer 403.",
    ),
    _crossing(
        "query-user",
        CRITICAL,
        "Name another user in query or headers, with one's own token.",
        "Take the user from the verified token and from nothing else.",
    ),
    _crossing(
        "assign-owner",
        CRITICAL,
        "Create an object whose body names another user as its owner.",
        "Set the owner from the token; leave it out of the input model.",
    ),
    _crossing(
        "change-owner",
        CRITICAL,
        "Give one's own object to another user by an update.",
        "Leave the owner out of the update model.",
    ),
    _crossing(
        "assign-id",
        HIGH,
        "Send the id of another user's object in the body.",
        "Let the database choose ids; leave them out of the input model.",
    ),
    _crossing(
        "foreign-reference",
        HIGH,
        "Name another user's objects in a body: parents, members, lists of ids.",
        "Look up every id of a body among the user's own rows.",
    ),
    _crossing(
        "existence-oracle",
        MEDIUM,
        "Tell another user's ids from ids that do not exist.",
        "Answer 404 to both, with the same body.",
    ),
    _crossing(
        "cached-answer",
        CRITICAL,
        "Ask right after another user, for what a cache may have kept.",
        "Keep the user in the cache's key, or do not cache.",
    ),
    _surface(
        "undocumented-method",
        HIGH,
        "Methods that the document does not list, HEAD among them.",
        "Guard the path's every method, or remove the route.",
    ),
    _surface(
        "method-override",
        HIGH,
        "Headers and parameters that turn one method into another.",
        "Remove the override, or guard it as the method that it stands for.",
    ),
    _surface(
        "path-variant",
        HIGH,
        "Other spellings of the path: slash, case, double slash, escapes.",
        "Guard in the route rather than by comparing paths in a middleware.",
    ),
    _surface(
        "websocket",
        CRITICAL,
        "Open a WebSocket without a credential, and with forged ones.",
        "Verify the token before the handshake is accepted.",
    ),
)

ATTACKS = {attack.name: attack for attack in _ALL}
"""By name, in the order of reports."""


def named(family: Family) -> tuple[Attack, ...]:
    """Give a family's attacks in order."""
    return tuple(attack for attack in _ALL if attack.family is family)
