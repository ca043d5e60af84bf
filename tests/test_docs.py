"""What the documentation must name, and that its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from betterguard import errors
from betterguard.environment import Environment

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A block is run unless its page is of another kind of text, such as rules made from snippets.
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page("settings.md"), re.MULTILINE))
    assert documented == {name.upper() for name in Environment.model_fields}


def test_every_error_code_is_documented() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.AuthError)
        and kind is not errors.AuthError
    ]
    rows = [f"| `{kind.code}` | `{kind.__name__}` | {kind.status} |" for kind in kinds]
    text = page("errors.md")
    assert [row for row in rows if row not in text] == []


def test_every_extra_is_documented() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    documented = re.findall(r"^\| `(\w+)` \|", page("start.md"), re.MULTILINE)
    assert sorted(documented) == sorted(project["optional-dependencies"])


def test_the_hooks_in_the_documentation_are_those_that_the_tests_run() -> None:
    hooks = ROOT / "demo" / "auth" / "revocation.js"
    assert f"```js\n{hooks.read_text(encoding='utf-8')}```" in page("revocation.md")


@pytest.mark.parametrize("source", PAGES, ids=lambda source: str(source.relative_to(ROOT)))
def test_every_link_leads_somewhere(source: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", source.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (source.parent / target).exists()] == []


@pytest.mark.parametrize("block", BLOCKS)
def test_every_python_block_runs(block: str, tmp_path: Path) -> None:
    environment = {
        "BETTER_AUTH_URL": "http://localhost:3000",
        "FRONTEND_URL": "http://localhost:3000",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONWARNINGS": "error",
    }
    ran = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
