"""Hypothesis strategies for what arrives at a verifier: headers, payloads, tokens, key sets."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from betterguard.testing.tokens import base64url, encode_json
from tests.tokens.issuers import ALGORITHMS, NOW, issuer, signing_key

TEXT = st.text(max_size=40)
NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True),
    st.floats(NOW - 2000, NOW + 2000),
    st.integers(int(NOW) - 10, int(NOW) + 1000),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, TEXT, st.just("alice"), st.just(issuer().url)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
ALGS = st.one_of(st.sampled_from([*ALGORITHMS, "none", "HS512", "ES384"]), JSON)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": ALGS,
        "kid": st.one_of(st.just("test-key"), JSON),
        "typ": st.one_of(st.sampled_from(["JWT", "at+jwt"]), JSON),
        "crit": JSON,
        "b64": JSON,
        # Not jwk, jku, x5u and x5c: joserfc judges what they hold, which here nobody looks at.
        "cty": TEXT,
    },
)
CHANGES = st.dictionaries(
    st.sampled_from(["iss", "aud", "sub", "id", "user_id", "exp", "iat", "nbf", "name", "x"]),
    st.one_of(JSON, st.just(...)),
    max_size=4,
)


def _raw(value: Any) -> bytes:
    try:
        return encode_json(value)
    except UnicodeEncodeError:
        return b"{}"


@st.composite
def signed_tokens(draw: st.DrawFn) -> tuple[str, str]:
    """Give an algorithm and a token signed with its key: any header, any payload."""
    alg = draw(st.sampled_from(["EdDSA", "ES256", "HS256"]))
    genuine = issuer(alg)
    header = draw(st.one_of(st.just(genuine.key.header()), HEADERS))
    claims = genuine.claims("alice", **draw(CHANGES))
    payload = draw(st.one_of(st.just(_raw(claims)), JSON.map(_raw), st.binary(max_size=60)))
    return alg, genuine.sign(payload, _raw(header))


@st.composite
def mangled_tokens(draw: st.DrawFn) -> tuple[str, str]:
    """Give an algorithm and a genuine token with a few characters changed, added or removed."""
    alg = draw(st.sampled_from(["EdDSA", "ES256", "HS256"]))
    token = issuer(alg).token()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(token)))
        end = start + draw(st.integers(0, 4))
        token = token[:start] + draw(st.text(max_size=4)) + token[end:]
    return alg, token


TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.binary(max_size=60).map(base64url), max_size=6).map(".".join),
    st.lists(JSON.map(_raw).map(base64url), max_size=6).map(".".join),
)
JWKS = st.lists(
    st.one_of(
        JSON,
        st.tuples(
            st.sampled_from([signing_key(alg).public_jwk() for alg in ALGORITHMS[:5]]),
            st.dictionaries(
                st.sampled_from(
                    ["kty", "crv", "alg", "use", "key_ops", "kid", "x", "y", "n", "e", "d", "k"]
                ),
                JSON,
                max_size=3,
            ),
        ).map(lambda pair: {**pair[0], **pair[1]}),
    ),
    max_size=4,
)
