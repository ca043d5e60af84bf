from __future__ import annotations

import pytest

from tests.repair.fixing import fixed, reasons, repaired

IMPORT = "from jose import JWTError, jwt\n"
DECODE = """def claims(token):
    try:
        return jwt.decode(token, JWT_SECRET, algorithms=["HS256"]{more})
    except JWTError:
        return None
"""
TEXT = IMPORT + DECODE.format(more="")
LEFT = "verify with the guard, then remove python-jose"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(IMPORT, "import jwt\nfrom jwt import PyJWTError as JWTError\n", id="both"),
        pytest.param(
            "from jose import jwt\nfrom jose.exceptions import ExpiredSignatureError, JWTError\n",
            "import jwt\nfrom jwt import ExpiredSignatureError, PyJWTError as JWTError\n",
            id="exceptions",
        ),
        pytest.param(
            "try:\n    from jose import JWTError, jwt\nexcept ImportError:\n    raise\n",
            "try:\n    import jwt\n    from jwt import PyJWTError as JWTError\n"
            "except ImportError:\n    raise\n",
            id="nested",
        ),
    ],
)
def test_imports_change_and_names_stay(before: str, after: str) -> None:
    code = DECODE.format(more="")
    assert fixed(before + code, "BG212") == after + code


def test_another_local_name_stays() -> None:
    text = TEXT.replace("import JWTError, jwt", "import JWTError as Bad, jwt as tokens")
    text = text.replace("except JWTError", "except Bad").replace("jwt.decode", "tokens.decode")
    made = fixed(text, "BG212")
    assert made.startswith("import jwt as tokens\nfrom jwt import PyJWTError as Bad\n")


def test_an_error_of_the_module_is_called_by_its_other_name() -> None:
    text = TEXT.replace("import JWTError, jwt", "import jwt").replace("JWTError:", "jwt.JWTError:")
    assert "    except jwt.PyJWTError:\n" in fixed(text, "BG212")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT.replace("JWT_SECRET", "PUBLIC_KEY"), id="public-key"),
        pytest.param(TEXT.replace("JWT_SECRET", "jwks['keys'][0]"), id="key-set"),
        pytest.param(TEXT.replace("JWT_SECRET", "load()"), id="unknown-key"),
        pytest.param(TEXT.replace(', algorithms=["HS256"]', ""), id="any-algorithm"),
        pytest.param(IMPORT + DECODE.format(more=", access_token=t"), id="access-token"),
        pytest.param(IMPORT + DECODE.format(more=", options={'leeway': 9}"), id="leeway"),
        pytest.param(IMPORT + DECODE.format(more=", options=OPTIONS"), id="unknown-options"),
        pytest.param(TEXT + "def f(t): return jwt.get_unverified_claims(t)\n", id="unverified"),
        pytest.param("from jose import jwk\n" + TEXT, id="jwk"),
        pytest.param("from jose.exceptions import JWTClaimsError\n" + TEXT, id="claims-error"),
        pytest.param("from jose.utils import base64url_decode\n" + TEXT, id="utils"),
    ],
)
def test_what_pyjwt_does_otherwise_is_left(text: str) -> None:
    assert fixed(text, "BG212") == text
    assert reasons(text, "BG212")[0].endswith(LEFT)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import jwt\n" + DECODE.format(more=""), id="pyjwt"),
        pytest.param("from jose import jwt\ndef f(c): return jwt.encode(c, S)\n", id="signs-only"),
        pytest.param("x = 'jose'\n", id="word"),
    ],
)
def test_what_verifies_without_it_stays(text: str) -> None:
    assert fixed(text, "BG212") == text


def test_where_a_dependency_verifies_the_guard_takes_over() -> None:
    text = (
        "from fastapi import Depends, FastAPI, Header, HTTPException\n"
        + IMPORT
        + "app = FastAPI()\n"
        + "def get_user(authorization: str = Header()) -> str:\n    try:\n"
        "        return jwt.decode(authorization, JWT_SECRET, algorithms=['HS256'])['sub']\n"
        "    except JWTError as err:\n        raise HTTPException(401) from err\n"
        "@app.get('/me')\ndef me(me: str = Depends(get_user)): return me\n"
    )
    done = repaired({"app.py": text}, "BG212")
    assert "get_user = guard.verify_token" in done.workspace.texts["app.py"].decode()
    assert done.brings("betterguard")
    assert not done.brings("jwt")


def test_the_new_library_is_known_as_new() -> None:
    assert repaired({"app.py": TEXT}, "BG212").brings("jwt")
    other = "import jwt\n" + TEXT.replace("JWTError, jwt", "JWTError, jwt as tokens").replace(
        "jwt.decode", "tokens.decode"
    )
    assert not repaired({"app.py": other}, "BG212").brings("jwt")
