from __future__ import annotations

import ast

import pytest

from betterguard.repair.edits import apply
from betterguard.repair.imports import Imports


def added(text: str, *names: tuple[str, str], own: frozenset[str] = frozenset()) -> str:
    imports = Imports(text.encode(), own)
    for name in names:
        imports.use(*name)
    made = apply(text.encode(), imports.edits()).decode()
    ast.parse(made)
    return made


def removed(text: str, *names: tuple[str, str]) -> str:
    imports = Imports(text.encode())
    for name in names:
        imports.drop(*name)
    made = apply(text.encode(), imports.edits()).decode()
    ast.parse(made)
    return made


DEPENDS = ("fastapi", "Depends")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("from fastapi import Depends\n", DEPENDS, id="there"),
        pytest.param("from fastapi import Depends as D\n", DEPENDS, id="aliased"),
        pytest.param("import fastapi\n", DEPENDS, id="whole-module"),
        pytest.param("import fastapi as f\n", DEPENDS, id="whole-module-aliased"),
        pytest.param("from fastapi import (\r\n    Depends,\r\n)\r\n", DEPENDS, id="crlf"),
        pytest.param("import jwt\n", ("jwt", ""), id="module"),
        pytest.param("import jwt as j\n", ("jwt", ""), id="module-aliased"),
        pytest.param("import jwt, os\n", ("jwt", ""), id="module-of-several"),
        pytest.param("import os; import jwt\n", ("jwt", ""), id="second-of-a-line"),
    ],
)
def test_what_is_imported_is_not_imported_again(text: str, name: tuple[str, str]) -> None:
    assert added(text, name) == text


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        pytest.param("from fastapi import Depends as D\n", "D", id="alias"),
        pytest.param("import fastapi\n", "fastapi.Depends", id="module"),
        pytest.param("import fastapi as f\n", "f.Depends", id="module-alias"),
        pytest.param("x = 1\n", "Depends", id="new"),
        pytest.param("class Depends: ...\n", "fastapi_Depends", id="taken-by-a-class"),
        pytest.param("from other import Depends\n", "fastapi_Depends", id="taken-by-an-import"),
        pytest.param("Depends = 1\n", "fastapi_Depends", id="taken-by-a-variable"),
    ],
)
def test_use_gives_the_expression_to_write(text: str, expression: str) -> None:
    assert Imports(text.encode()).use(*DEPENDS) == expression


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "from fastapi import APIRouter, Request\n",
            "from fastapi import APIRouter, Depends, Request\n",
            id="sorted-place",
        ),
        pytest.param(
            "from fastapi import Request, APIRouter\n",
            "from fastapi import Request, APIRouter, Depends\n",
            id="unsorted-at-the-end",
        ),
        pytest.param(
            "from fastapi import APIRouter  # a comment\n",
            "from fastapi import APIRouter, Depends  # a comment\n",
            id="comment-behind",
        ),
        pytest.param(
            "from fastapi import (\n    APIRouter,  # first\n    Request,\n)\n",
            "from fastapi import (\n    APIRouter,  # first\n    Depends,\n    Request,\n)\n",
            id="own-lines",
        ),
        pytest.param(
            "from fastapi import (\n    APIRouter,\n    Body,  # last\n)\n",
            "from fastapi import (\n    APIRouter,\n    Body,  # last\n    Depends,\n)\n",
            id="own-lines-at-the-end",
        ),
        pytest.param(
            "from fastapi import (\n\tAPIRouter,\n\tBody  # last\n)\n",
            "from fastapi import (\n\tAPIRouter,\n\tBody,  # last\n\tDepends\n)\n",
            id="no-comma-at-the-end-tabs",
        ),
        pytest.param(
            "from fastapi import (APIRouter, Body)\n",
            "from fastapi import (APIRouter, Body, Depends)\n",
            id="parentheses-in-a-line",
        ),
        pytest.param(
            "from fastapi import (\n    APIRouter, Body\n)\n",
            "from fastapi import (\n    APIRouter, Body, Depends\n)\n",
            id="parentheses-around-a-line",
        ),
        pytest.param(
            "from fastapi import APIRouter, \\\n    Body\n",
            "from fastapi import APIRouter, \\\n    Body, Depends\n",
            id="backslash",
        ),
        pytest.param(
            "from fastapi import (\r\n    APIRouter,\r\n)\r\n",
            "from fastapi import (\r\n    APIRouter,\r\n    Depends,\r\n)\r\n",
            id="crlf",
        ),
        pytest.param(
            '"""Docs."""\n\nx = 1\n',
            '"""Docs."""\n\nfrom fastapi import Depends\n\nx = 1\n',
            id="docstring",
        ),
        pytest.param(
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n",
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n"
            "from fastapi import Depends\n\nx = 1\n",
            id="shebang-and-coding",
        ),
        pytest.param("", "from fastapi import Depends\n", id="empty-file"),
        pytest.param(
            "from __future__ import annotations\n\nx = 1\n",
            "from __future__ import annotations\n\nfrom fastapi import Depends\n\nx = 1\n",
            id="future-first",
        ),
        pytest.param(
            "import os\n\nimport sqlmodel\n\nfrom app.db import x\n",
            "import os\n\nimport sqlmodel\nfrom fastapi import Depends\n\nfrom app.db import x\n",
            id="its-group",
        ),
        pytest.param(
            "import os\n\nfrom app.db import x\n",
            "import os\n\nfrom fastapi import Depends\n\nfrom app.db import x\n",
            id="new-group-between",
        ),
        pytest.param(
            "from .db import x\n",
            "from fastapi import Depends\n\nfrom .db import x\n",
            id="new-group-in-front",
        ),
        pytest.param(
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from fastapi import Depends\n",
            "from typing import TYPE_CHECKING\n\nfrom fastapi import Depends\n"
            "if TYPE_CHECKING:\n    from fastapi import Depends\n",
            id="type-checking-left-alone",
        ),
        pytest.param(
            "try:\n    from fastapi import Body\nexcept ImportError:\n    Body = None\n",
            "from fastapi import Depends\n\n"
            "try:\n    from fastapi import Body\nexcept ImportError:\n    Body = None\n",
            id="try-left-alone",
        ),
        pytest.param(
            "from fastapi import *\n",
            "from fastapi import *\nfrom fastapi import Depends\n",
            id="star",
        ),
        pytest.param(
            "import os; import sys\nx = 1\n",
            "import os; import sys\n\nfrom fastapi import Depends\nx = 1\n",
            id="several-on-a-line",
        ),
        pytest.param(
            "import fastapi.responses\n",
            "import fastapi.responses\nfrom fastapi import Depends\n",
            id="submodule",
        ),
    ],
)
def test_a_name_is_added_in_the_files_own_style(before: str, after: str) -> None:
    assert added(before, DEPENDS, own=frozenset({"app"})) == after


def test_several_names_are_added_at_once() -> None:
    before = "from fastapi import (\n    APIRouter,\n)\n"
    after = (
        "from datetime import timezone\n\n"
        "from fastapi import (\n    APIRouter,\n    Depends,\n    Request,\n)\n"
    )
    names = (("fastapi", "Request"), DEPENDS, ("datetime", "timezone"))
    assert added(before, *names) == after


def test_names_without_a_last_comma_are_added_with_commas_between() -> None:
    before = "from fastapi import (\n    APIRouter\n)\n"
    after = "from fastapi import (\n    APIRouter,\n    Depends,\n    Request\n)\n"
    assert added(before, ("fastapi", "Request"), DEPENDS) == after


def test_new_statements_of_one_group_stand_together() -> None:
    before = "import os\n\nx = 1\n"
    after = "import os\n\nimport jwt\nfrom fastapi import Depends\n\nx = 1\n"
    assert added(before, DEPENDS, ("jwt", "")) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("import os\nimport jwt\n", "import os\n", id="statement"),
        pytest.param("import os\nimport jwt  # for tokens\n", "import os\n", id="with-comment"),
        pytest.param("import os, jwt\n", "import os\n", id="last-of-several"),
        pytest.param("import jwt, os\n", "import os\n", id="first-of-several"),
        pytest.param("import os; import jwt\n", "import os; pass\n", id="on-a-shared-line"),
        pytest.param("import json\n", "import json\n", id="not-there"),
        pytest.param("from jwt import decode\n", "from jwt import decode\n", id="another-name"),
        pytest.param(
            "def f():\n    import jwt\n", "def f():\n    import jwt\n", id="inside-a-function"
        ),
        pytest.param(
            "try:\n    import jwt\nexcept ImportError: ...\n",
            "try:\n    import jwt\nexcept ImportError: ...\n",
            id="inside-try",
        ),
    ],
)
def test_a_module_is_removed(before: str, after: str) -> None:
    assert removed(before, ("jwt", "")) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "from fastapi import (\n    Body,\n    Depends,\n    Request,\n)\n",
            "from fastapi import (\n    Body,\n    Request,\n)\n",
            id="own-line",
        ),
        pytest.param(
            "from fastapi import (\n    Body,\n    Depends\n)\n",
            "from fastapi import (\n    Body\n)\n",
            id="last-without-comma",
        ),
        pytest.param(
            "from fastapi import (\r\n    Depends,  # d\r\n    Body,\r\n)\r\n",
            "from fastapi import (\r\n    Body,\r\n)\r\n",
            id="crlf-and-comment",
        ),
        pytest.param(
            "from fastapi import (Depends, Body)\n", "from fastapi import (Body)\n", id="in-a-line"
        ),
        pytest.param(
            "from fastapi import Depends as D, Body\n", "from fastapi import Body\n", id="aliased"
        ),
        pytest.param("from fastapi import (\n    Depends,\n)\n", "", id="the-only-one"),
    ],
)
def test_a_name_is_removed(before: str, after: str) -> None:
    assert removed(before, DEPENDS) == after


def test_imports_behind_the_first_use_come_too_late() -> None:
    text = b"import os\n\nx = os\nfrom fastapi import Body\nfrom a import Depends as D\n"
    imports = Imports(text, before=text.index(b"x ="))
    assert imports.use("fastapi", "Depends") == "Depends"
    made = apply(text, imports.edits())
    assert made.startswith(b"import os\n\nfrom fastapi import Depends\n\nx = os\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(timezone): ...\n", id="parameter"),
        pytest.param("def f():\n    timezone = 1\n", id="variable"),
        pytest.param("async def f(a, timezone: str = 'x'): ...\n", id="parameter-with-default"),
        pytest.param("def f():\n    for timezone in x: ...\n", id="loop"),
        pytest.param("def f():\n    with x as timezone: ...\n", id="with"),
        pytest.param("from datetime import timezone\ndef f(timezone): ...\n", id="imported-too"),
    ],
)
def test_a_name_that_a_function_binds_is_imported_under_another(text: str) -> None:
    assert Imports(text.encode()).use("datetime", "timezone") == "datetime_timezone"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(zone=timezone): ...\n", id="default"),
        pytest.param("def f(zone: timezone): ...\n", id="annotation"),
        pytest.param("def f():\n    x.timezone = 1\n", id="attribute"),
        pytest.param("def f():\n    x = timezone\n", id="read"),
        pytest.param("def f():\n    g(timezone=1)\n", id="keyword"),
        pytest.param("class A:\n    timezone = 1\n", id="class-attribute"),
        pytest.param("def f():\n    from datetime import timezone\n", id="the-same-import"),
    ],
)
def test_a_name_that_is_only_read_is_imported_as_it_is(text: str) -> None:
    assert Imports(text.encode()).use("datetime", "timezone") == "timezone"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("from a import b, c, d\n", "from a import b\n", id="last-two"),
        pytest.param("from a import c, d, e\n", "from a import e\n", id="first-two"),
        pytest.param("from a import c, b, d\n", "from a import b\n", id="around-one"),
        pytest.param("from a import b, c, e, d\n", "from a import b, e\n", id="apart"),
        pytest.param(
            "from a import (\n    b,\n    c,\n    d\n)\n", "from a import (\n    b\n)\n", id="lines"
        ),
        pytest.param("from a import c, d\n", "", id="all"),
    ],
)
def test_several_names_are_removed_at_once(before: str, after: str) -> None:
    assert removed(before, ("a", "c"), ("a", "d")).replace(",\n)", "\n)") == after


def test_one_name_is_replaced_by_another() -> None:
    text = "from jose import JWTError, jwt\nimport os\n"
    imports = Imports(text.encode())
    imports.drop("jose", "jwt")
    imports.drop("jose", "JWTError")
    assert imports.use("jwt") == "jwt"
