"""Calls that read the claims of a token, and whether they verify its signature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betterguard.audit.visit import keyword, keywords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from betterguard.audit.facts import Expr
    from betterguard.audit.project import Project
    from betterguard.audit.symbols import File, FunctionRef

_DECODERS = re.compile(
    r"^(?:jwt|jose\.jwt|authlib\.jose\.\w+|joserfc\.jwt|jwt\.api_jwt|jwt\.PyJWT|python_jwt)"
    r"\.(?:decode|decode_complete|verify)$|^jose\.jws\.verify$"
)
_UNVERIFIED = re.compile(r"(?:^|\.)get_unverified_claims$")


@dataclass(frozen=True, slots=True)
class Decode:
    """One call that reads a token's claims."""

    function: FunctionRef | None
    file: File
    call: Expr
    verified: bool
    library: str


class Decodings:
    """Finds the decodings of tokens by JWT libraries."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def of(self, function: FunctionRef) -> Iterator[Decode]:
        """Every decoding of a token in a function."""
        if not function.file.facts.words & {"jwt", "jose"}:
            return
        for call in function.calls:
            found = self.read(function.file, call, function)
            if found is not None:
                yield found

    def verifies(self, function: FunctionRef) -> bool:
        """Whether a function decodes a token and has its signature verified."""
        return any(decode.verified for decode in self.of(function))

    def read(self, file: File, call: Expr, function: FunctionRef | None) -> Decode | None:
        """Give the decoding that a call is, or None."""
        if call.base is not None:
            return None
        name = self.project.qualify(file, call.text)
        if _UNVERIFIED.search(name):
            return Decode(function, file, call, verified=False, library=name)
        if not _DECODERS.match(name):
            return None
        verified = not self._switches_off(file, call, function)
        return Decode(function, file, call, verified, name)

    def options(self, file: File, call: Expr, function: FunctionRef | None) -> dict[str, Expr]:
        """Give the ``options=`` of a decoding, through a local or a module's variable."""
        given = keyword(call, "options")
        if given is not None and given.kind == "name":
            given = self.project.binding(file, given, function)
        return dict(keywords(given)) if given is not None and given.kind == "dict" else {}

    def _switches_off(self, file: File, call: Expr, function: FunctionRef | None) -> bool:
        options = self.options(file, call, function)
        flag = options.get("verify_signature") or keyword(call, "verify")
        return flag is not None and flag.text == "False"
