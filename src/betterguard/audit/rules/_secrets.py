"""Which names hold a secret that an application signs its own tokens with."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|_)(?:secret(?:_?key)?|jwt_?(?:secret|key)|signing_?key|(?:auth|token|session)_?secret"
    r"|secret_?token|(?:jwt|auth|session|cookie|token)_?(?:signing|private|secret)?_?key)"
    r"(?:_?(?:key|value|default|str))?s?$",
    re.IGNORECASE,
)
_SIGNS = frozenset(
    {"jwt", "jws", "hs256", "auth", "betterauth", "nextauth", "token", "session", "cookie"}
    | {"signing", "sign", "signature", "refresh", "csrf", "internal"}
)
"""Words that say what the secret is for, whatever else the name holds."""
_PLAIN = frozenset(
    {"secret", "secrets", "key", "keys", "better", "app", "application", "access", "default"}
    | {"fallback", "dev", "development", "test", "prod", "production", "local", "private", "shared"}
    | {"security", "server", "backend", "service", "web", "django", "flask", "fastapi", "api"}
    | {"value", "str", "string", "encryption", "crypto", "my", "the", "master", "admin"}
    | {"hash", "hashing", "project", "site", "base", "core", "global", "user", "oauth", "oauth2"}
)
"""Words that leave it the application's own."""
_OTHER = re.compile(
    r"openai|gemini|groq|aws|stripe|google|github|facebook|apple|client_?secret|smtp|api_?key|s3"
    r"|azure|minio|twilio|cloudinary|recaptcha|pusher|paypal|webhook|header|name$|path$|length"
    r"|min_|max_|_file$|url|_id$|public",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_secret(name: str) -> bool:
    """Whether a variable's name says that the application signs tokens with it.

    A name with a word of somebody else in front, ``MINIO_SECRET_KEY``, is a credential of that
    service instead.
    """
    last = name.rsplit(".", 1)[-1]
    if not _NAME.search(last) or _OTHER.search(last):
        return False
    words = {word.lower() for word in _WORD.findall(last)}
    return bool(words & _SIGNS) or words <= _PLAIN | {"256", "512"}
