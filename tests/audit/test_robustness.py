from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from betterguard.audit import audit
from betterguard.audit.config import Config
from betterguard.audit.sources import MAX_BYTES
from betterguard.audit.walk import read_module

CALL = b"x = datetime.utcnow()"
HEAD = b"from datetime import datetime"
TEXTS = [
    pytest.param(HEAD + b"\r\n" + CALL + b"\r\n", 2, 5, id="crlf"),
    pytest.param(b"\xef\xbb\xbf" + HEAD + b"\n" + CALL, 2, 5, id="byte-order-mark"),
    pytest.param(
        b"# -*- coding: latin-1 -*-\n" + HEAD + b'\ns = "caf\xe9"; ' + CALL, 3, 17, id="latin-1"
    ),
    pytest.param(HEAD + b'\ns = "caf\xe9"; ' + CALL, 2, 17, id="no-encoding-named"),
    pytest.param(HEAD + '\ns = "日本"; '.encode() + CALL, 2, 15, id="columns-count-characters"),
    pytest.param(HEAD + b"\ndef f(:\n    pass\n" + CALL, 4, 5, id="broken-syntax"),
    pytest.param(HEAD + b"\n\x00\n" + CALL, 3, 5, id="nul-byte"),
]


@pytest.mark.parametrize(("text", "line", "column"), TEXTS)
def test_a_finding_is_placed_right_in_any_text(
    tmp_path: Path, text: bytes, line: int, column: int
) -> None:
    (tmp_path / "app.py").write_bytes(text)
    found = [f for f in audit([tmp_path]).findings if f.rule == "BG402"]
    assert [(f.line, f.column) for f in found] == [(line, column)]


MONSTERS = [
    pytest.param(b"x = [" + b"1," * 600_000 + b"]\n", id="one-line-of-many-elements"),
    pytest.param(b'x = "' + b"a" * 5_000_000 + b'"\n', id="one-string-of-5-mb"),
    pytest.param(b"x = " + b"1+" * 200_000 + b"1\n", id="long-sum"),
    pytest.param(b"x = " + b"(" * 20_000 + b"1" + b")" * 20_000, id="deep-parentheses"),
    pytest.param(b"x = " + b"[" * 20_000, id="deep-and-broken"),
    pytest.param(b"x = a" + b".b()" * 20_000, id="long-chain"),
    pytest.param(b"x = " + b"not " * 20_000 + b"1", id="many-nots"),
    pytest.param(
        b"".join(b" " * depth + b"if x:\n" for depth in range(1000)) + b" " * 1000 + b"pass",
        id="deep-blocks",
    ),
    pytest.param(b"if x:\n pass\n" + b"elif y:\n pass\n" * 3000, id="many-branches"),
    pytest.param(bytes(range(256)) * 400, id="junk"),
    pytest.param(b"", id="empty"),
]


@pytest.mark.parametrize("text", MONSTERS)
def test_no_text_crashes_the_audit(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "app.py").write_bytes(text)
    assert audit([tmp_path]).files == 1


def test_names_that_mean_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from b import x, App\nfrom a import y\ny = x\nclass Base(App): ...\n"
        "from fastapi import FastAPI\n@y.get('/')\ndef f(): return f()\n"
    )
    (tmp_path / "b.py").write_text("from a import y as x, Base\nclass App(Base): ...\n")
    assert audit([tmp_path]).files == 2


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "app.py").write_text("x = 1\n")
    assert audit([tmp_path]).files == 1


def faults(folder: Path) -> list[str]:
    return [f.message for f in audit([folder]).findings if f.rule == "BG001"]


def test_a_dangling_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    assert faults(tmp_path) == ["gone.py cannot be read: No such file or directory"]


def test_a_pipe_is_reported_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert faults(tmp_path) == ["pipe.py is no regular file"]


def test_a_huge_file_is_reported(tmp_path: Path) -> None:
    with (tmp_path / "big.py").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert faults(tmp_path) == ["big.py larger than 16 MiB"]


def test_the_standard_library_is_read_whole() -> None:
    folder = Path(sysconfig.get_paths()["stdlib"]) / "asyncio"
    broken = [
        path.name
        for path in sorted(folder.rglob("*.py"))
        if read_module(path.name, path.read_bytes()).broken_at >= 0
    ]
    assert broken == []


def test_tests_migrations_and_installed_packages_are_left_out(tmp_path: Path) -> None:
    for name in ("tests", "node_modules", ".venv", "alembic/versions", "site-packages"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "app.py").write_text("x = 1\n")
    (tmp_path / "test_app.py").write_text("x = 1\n")
    (tmp_path / "app.py").write_text("x = 1\n")
    assert (audit([tmp_path]).files, audit([tmp_path], Config(tests=True)).files) == (1, 3)
