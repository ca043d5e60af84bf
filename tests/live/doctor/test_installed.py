from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from betterguard.live.doctor import Status
from betterguard.live.doctor.versions import release
from tests.live.doctor.diagnosing import diagnosed, named, subject_of

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = [
    pytest.param("pyjwt", "2.8.0", Status.FAULT, id="pyjwt-with-advisories"),
    pytest.param("pyjwt", "2.12.1", Status.FAULT, id="pyjwt-with-the-latest-advisories"),
    pytest.param("pyjwt", "2.13.0", Status.WARNING, id="pyjwt-that-is-old"),
    pytest.param("pyjwt", "2.14.0", Status.OK, id="pyjwt-that-is-fit"),
    pytest.param("python-jose", "3.3.0", Status.FAULT, id="python-jose-with-advisories"),
    pytest.param("python-jose", "3.5.0", Status.WARNING, id="python-jose"),
    pytest.param("fastapi", "0.110.0", Status.FAULT, id="fastapi-that-is-old"),
    pytest.param("sqlmodel", "0.0.8", Status.FAULT, id="sqlmodel-that-is-old"),
    pytest.param("sqlmodel", "0.0.45", Status.OK, id="sqlmodel-that-is-fit"),
]


@pytest.mark.parametrize(("name", "version", "status"), INSTALLED)
def test_an_installed_version_is_judged(
    name: str, version: str, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert f"versions.{name}" in named(diagnosed(subject_of({}), "versions"), status)


def test_what_is_installed_here_is_fit() -> None:
    report = diagnosed(subject_of({}), "versions")
    assert named(report) | named(report, Status.WARNING) == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2.14.0", (2, 14, 0)), ("3.0rc1", (3, 0)), ("0.0.45.post1", (0, 0, 45)), ("dev", ())],
)
def test_a_version_is_its_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert release(text) == numbers
