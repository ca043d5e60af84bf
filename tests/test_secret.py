"""What must never become the shared secret, and what may."""

from __future__ import annotations

import base64
import json
import secrets

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from betterguard.errors import ConfigurationError
from betterguard.secret import secret_faults
from betterguard.testing.forgery import public_key_texts
from betterguard.tokens import SharedSecrets
from tests.tokens.issuers import ASYMMETRIC, signing_key

KEY_TEXTS = [
    pytest.param(text.decode(), id=f"{alg}-{form}")
    for alg in ASYMMETRIC
    for form, text in public_key_texts(signing_key(alg).public_jwk()).items()
    if form != "der"  # bytes that are no text
]
RSA = signing_key("RS256")
ED = signing_key("EdDSA")
SSH = ED.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PRIVATE_DER = ED.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
PRIVATE_BASE64URL = base64.urlsafe_b64encode(PRIVATE_DER).decode().rstrip("=")
JWK_BASE64 = base64.b64encode(json.dumps(ED.public_jwk()).encode()).decode()
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
PEM = ED.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("text", KEY_TEXTS)
def test_text_of_a_public_key(text: str) -> None:
    (fault,) = secret_faults(text)
    assert "key material" in fault


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PEM.replace("\n", "\\n"), id="pem-on-one-line"),
        pytest.param("\ufeff" + PEM, id="pem-with-byte-order-mark"),
        pytest.param("\n\n" + PEM, id="pem-after-empty-lines"),
        pytest.param("".join(PEM.splitlines()[1:-1]), id="pem-without-its-lines"),
        pytest.param(PRIVATE_BASE64URL, id="der-in-base64url"),
        pytest.param(PRIVATE_DER.hex(), id="der-in-hex"),
        pytest.param(SSH.split()[1], id="ssh-without-its-type"),
        pytest.param(f"---- BEGIN SSH2 PUBLIC KEY ----\n{SSH.split()[1]}\n", id="ssh2"),
        pytest.param(json.dumps([ED.public_jwk()]), id="list-of-jwk"),
        pytest.param(JWK_BASE64, id="jwk-in-base64"),
        pytest.param(CERTIFICATE, id="certificate"),
        pytest.param("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n", id="openssh-private"),
    ],
)
def test_text_of_a_key_as_people_paste_it(text: str) -> None:
    (fault,) = secret_faults(text)
    assert "key material" in fault


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        pytest.param("", "has 0 bytes", id="blank"),
        pytest.param("secret", "has 6 bytes", id="word"),
        pytest.param("x" * 31, "has 31 bytes", id="31-bytes"),
        pytest.param(
            "better-auth-secret-12345678901234567890", "development default", id="default"
        ),
        pytest.param("a" * 64, "repeats", id="one-character"),
        pytest.param("abcdefg" * 6, "repeats", id="seven-characters"),
        pytest.param("abcdefgh" * 4 + "\udcff", "not UTF-8", id="bytes-of-the-environment"),
    ],
)
def test_secret_that_is_unfit(secret: str, fault: str) -> None:
    (told,) = secret_faults(secret)
    assert fault in told


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(secrets.token_urlsafe(24), id="urlsafe-of-24-bytes"),
        pytest.param(secrets.token_hex(32), id="hex"),
        pytest.param(base64.b64encode(secrets.token_bytes(32)).decode(), id="openssl-rand"),
        pytest.param("abcdefgh" * 4, id="eight-characters"),
        pytest.param("\u00e9" * 8 + "abcdefghijklmnop", id="32-bytes-of-utf-8"),
        pytest.param('{"a":"json that is no key, 32 bytes"}', id="json"),
        pytest.param("[" * 5000 + "abcdefgh", id="json-nested-deeply"),
    ],
)
def test_secret_that_is_fit(secret: str) -> None:
    assert secret_faults(secret) == []


@pytest.mark.parametrize("secret", ["hunter2", "hunter2-" * 8 + "\udcff", PEM])
def test_fault_never_quotes_the_secret(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SharedSecrets([secret])
    assert secret not in str(caught.value)
    assert "hunter2" not in str(caught.value)
