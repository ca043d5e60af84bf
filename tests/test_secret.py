"""What must never become the shared secret, and what may."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

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
PUBLIC_PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SSH = ED.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PRIVATE_DER = ED.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
RSA_PEM = RSA.private.public_key().public_bytes(*PUBLIC_PEM).decode()
PRIVATE_BASE64URL = base64.urlsafe_b64encode(PRIVATE_DER).decode().rstrip("=")
JWK_BASE64 = base64.b64encode(json.dumps(ED.public_jwk()).encode()).decode()
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
PEM = ED.private.public_key().public_bytes(*PUBLIC_PEM).decode()


def certificate() -> bytes:
    """Make a self-signed certificate in DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auth.example.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ED.private.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(ED.private, None)
    )
    return signed.public_bytes(Encoding.DER)


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
        pytest.param("\n".join(RSA_PEM.splitlines()[1:-1]), id="pem-body-of-several-lines"),
        pytest.param(base64.b64encode(certificate()).decode(), id="certificate-in-base64"),
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
        pytest.param("a" * 64, "repeat", id="one-character"),
        pytest.param("01" * 64, "repeat", id="two-characters"),
        pytest.param("changeme" * 4, "repeat", id="a-word-over-and-over"),
        pytest.param(("changeme" * 5)[:35], "repeat", id="a-word-cut-at-the-end"),
        pytest.param("12345678901234567" * 2, "repeat", id="seventeen-digits-twice"),
        pytest.param("a" * 31 + "b", "repeat", id="one-character-but-for-the-last"),
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
        pytest.param("31415926535897932384626433832795", id="digits"),
        pytest.param(f"{secrets.randbits(128):0128b}", id="bits"),
        pytest.param(secrets.token_urlsafe(16) * 2, id="random-text-twice"),
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
