"""Run recorded tokens through the verifier's signature layer and list where it differs.

    python scripts/vectors.py VECTORS.jsonl …
    python scripts/vectors.py --record SDIST/ RECORDED.jsonl

A line of vectors holds at least `id`, `token`, `jwks`, `alg` (those that the caller allows) and
`expect` (valid, invalid or either). `--record` runs the tests of an unpacked PyJWT or joserfc
source distribution and writes each token that they decode, its key and what came of it, in that
form. Ends with 1 when an invalid token was accepted or anything but a refusal was raised.
"""

from __future__ import annotations

import base64
import collections
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joserfc.jws
import joserfc.jwt
import jwt
import pytest
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from betterguard.errors import InvalidToken
from betterguard.secret import secret_faults
from betterguard.tokens.jws import Header, decode_base64url, parse
from betterguard.tokens.keys import hmac_key, read_key_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from betterguard.tokens.jwk import VerificationKey

ACCEPTED, REFUSED, RAISED = "accepted", "refused", "RAISED"


def main(arguments: list[str]) -> int:
    """Record, or run and print a table; give the exit code."""
    if arguments[:1] == ["--record"]:
        return record(Path(arguments[1]), Path(arguments[2]))
    rows = [row for name in arguments for row in _rows(Path(name))]
    table: collections.Counter[tuple[str, str]] = collections.Counter()
    differences: dict[tuple[str, str, str, str], list[str]] = collections.defaultdict(list)
    for row in rows:
        outcome, why = verify(row)
        table[row["expect"], outcome] += 1
        if outcome != {"valid": ACCEPTED, "invalid": REFUSED}.get(row["expect"], outcome):
            about = f"{','.join(row['alg'] or ())} {row.get('comment', '')}".strip()
            differences[row["expect"], outcome, why, about].append(row["id"])
    for difference, ids in sorted(differences.items()):
        print(f"{len(ids):4}  expected {': '.join(difference)} ({ids[0]} …)")
    print(f"\n{len(rows)} rows")
    for (expected, outcome), count in sorted(table.items()):
        print(f"  {expected:8} {outcome:9} {count:5}")
    bad = sum(n for pair, n in table.items() if pair == ("invalid", ACCEPTED) or pair[1] == RAISED)
    return 1 if bad else 0


def verify(row: Mapping[str, Any]) -> tuple[str, str]:
    """Check one token's structure, key and signature as the verifier does."""
    try:
        fits = _fits(row)
    except InvalidToken as refused:
        return REFUSED, refused.reason
    except Exception as err:  # noqa: BLE001 - what is looked for
        return RAISED, type(err).__name__
    return (ACCEPTED, "") if fits else (REFUSED, "no key fits: none usable, or not the signer's")


def _fits(row: Mapping[str, Any]) -> bool:
    jws = parse(row["token"])
    if jws.header.alg not in row["alg"]:
        return False
    keys = list(_keys(row["jwks"]["keys"], jws.header))
    # Many a vector's payload is no JSON: its encoding alone is looked at.
    decode_base64url(jws.signing_input.partition(b".")[2])
    return any(key.verify(jws.signing_input, jws.signature) for key in keys)


def _keys(jwks: list[dict[str, Any]], header: Header) -> Iterator[VerificationKey]:
    if header.alg == "HS256":
        # Secrets come as text from the settings; as keys of a set they exist only in vectors.
        for jwk in jwks:
            sound = jwk.get("alg", "HS256") == "HS256" and jwk.get("use", "sig") == "sig"
            if not sound or "verify" not in jwk.get("key_ops", ["verify"]) or len(jwks) > 1:
                continue
            raw = _decoded(jwk.get("k", ""))
            if jwk.get("kty") == "oct" and not secret_faults(raw.decode("latin-1")):
                yield hmac_key(raw)
        return
    found = read_key_set(jwks).find(header)
    if found is not None:
        yield found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def record(sdist: Path, target: Path) -> int:
    """Run the tests of a source distribution and write down what they decode."""
    recorder = _Recorder()
    recorder.watch()
    options = [
        "-q",
        "--continue-on-collection-errors",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:timeout",
    ]
    options += [f"--rootdir={sdist}", "-W", "ignore", "-o", "addopts="]
    pytest.main([*options, str(sdist / "tests")])
    lines = [json.dumps({"id": f"{sdist.name}-{n}", **row}) for n, row in enumerate(recorder.rows)]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} tokens recorded in {target}")
    return 0


class _Recorder:
    """Stands between the libraries' tests and their decoders."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def watch(self) -> None:
        self._wrap(jwt.PyJWS, "decode_complete", _pyjwt_call)
        self._wrap(joserfc.jws, "deserialize_compact", _joserfc_call)
        self._wrap(joserfc.jwt, "deserialize_compact", _joserfc_call)

    def _wrap(self, owner: Any, name: str, read: Any) -> None:  # noqa: ANN401 - modules and classes
        original = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the original
            row = read(*arguments, **named)
            try:
                result = original(*arguments, **named)
            except Exception:
                self._keep(row, "invalid")
                raise
            self._keep(row, "valid" if row and row["checked"] else "either")
            return result

        setattr(owner, name, watched)

    def _keep(self, row: dict[str, Any] | None, expect: str) -> None:
        if row is not None:
            self.rows.append({**row, "expect": expect})


def _pyjwt_call(
    _: object,
    token: object,
    key: object = "",
    algorithms: object = None,
    options: object = None,
    **__: object,
) -> dict[str, Any] | None:
    checked = not isinstance(options, dict) or options.get("verify_signature", True)
    return _row(token, key, algorithms, checked=checked)


def _joserfc_call(
    value: object, public_key: object = "", algorithms: object = None, *_: object, **__: object
) -> dict[str, Any] | None:
    return _row(value, public_key, algorithms, checked=True)


def _row(token: object, key: object, algorithms: object, *, checked: bool) -> dict[str, Any] | None:
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    keys = _public_jwks(key)
    if not isinstance(text, str) or keys is None:
        return None
    allowed = (
        list(algorithms)
        if isinstance(algorithms, list | tuple)
        else [*("HS256", "RS256", "ES256", "EdDSA"), "PS256"]
    )
    return {"token": text, "jwks": {"keys": keys}, "alg": allowed, "checked": checked}


def _public_jwks(key: object) -> list[dict[str, Any]] | None:
    """Give a library's key as published keys, None for what is no key of a kind used here."""
    try:
        if isinstance(key, OctKey | RSAKey | ECKey | OKPKey):
            return [key.as_dict(private=key.key_type == "oct")]
        if isinstance(key, KeySet):
            return [one.as_dict(private=one.key_type == "oct") for one in key.keys]
        key = getattr(key, "key", key)
        raw = key.encode() if isinstance(key, str) else key
        if isinstance(raw, bytes) and b"BEGIN" not in raw:
            return [{"kty": "oct", "k": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}]
        return [_pem_jwk(key)]
    except Exception:  # noqa: BLE001 - a test's deliberate nonsense is no key
        return None


def _pem_jwk(key: object) -> dict[str, Any]:
    for name in ("RS256", "ES256", "EdDSA"):
        algorithm: Any = jwt.get_algorithm_by_name(name)
        try:
            prepared = algorithm.prepare_key(key)
            public = prepared.public_key() if hasattr(prepared, "public_key") else prepared
            members = algorithm.to_jwk(public, as_dict=True)
        except Exception:  # noqa: BLE001, S112 - another kind of key
            continue
        members.pop("key_ops", None)
        return dict(members)
    msg = "no kind of key that is used here"
    raise ValueError(msg)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
