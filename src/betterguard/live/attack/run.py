"""One attack from beginning to end: read the document, make objects, try everything, clean up."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from betterguard.errors import ConfigurationError
from betterguard.live.attack.arena import Arena
from betterguard.live.attack.asking import Asking
from betterguard.live.attack.assigning import Assigning
from betterguard.live.attack.catalogue import Family
from betterguard.live.attack.counting import count_foreign
from betterguard.live.attack.credentials import Credential, Keys, credentials
from betterguard.live.attack.crossing import Crossing
from betterguard.live.attack.evidence import Call, visible
from betterguard.live.attack.kinds import Kinds
from betterguard.live.attack.naming import words
from betterguard.live.attack.objects import Objects, Unmade
from betterguard.live.attack.openapi import read_document
from betterguard.live.attack.probing import Probe, Probing
from betterguard.live.attack.referring import Referring
from betterguard.live.attack.result import Result
from betterguard.live.attack.sending import Limits, Sender, Stopped
from betterguard.live.attack.surface import Surface
from betterguard.live.attack.target import AppTarget, Target, loaded
from betterguard.live.attack.websockets import in_process, over_http, socket_paths, websockets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx2

    from betterguard.live.attack.people import Person

__all__ = ["Options", "attack"]

DOCUMENTS = ("/openapi.json", "/api/openapi.json", "/api/v1/openapi.json")
DANGEROUS = frozenset(
    {
        *("logout", "signout", "signoff", "password", "reset", "revoke", "deactivate"),
        *("shutdown", "restart", "migrate", "seed"),
    }
)
"""Operations with such a word in their path are left out unless they are included by name."""
DOORS = frozenset(
    {
        *("login", "signin", "signup", "register", "token", "refresh", "forgot", "verify"),
        *("callback", "webhook", "webhooks", "oauth"),
    }
)
"""Writing operations with such a word are for people who have no token yet, or for machines."""


@dataclass(frozen=True)
class Options:
    """What to attack and how far to go.

    ``include`` and ``exclude`` are patterns of operations (``GET /api/*``); ``public`` those
    that are meant for anybody. ``variants`` bounds the variants of each credential attack.
    """

    openapi: str | None = None
    document: Any = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    websockets: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    families: frozenset[Family] = frozenset(Family)
    keys: Keys = field(default_factory=Keys, repr=False)
    limits: Limits = field(default_factory=Limits)
    variants: int | None = None
    throwaway: bool = False
    seed: int | None = None


async def attack(
    target: Target,
    alice: Person,
    bob: Person,
    options: Options,
    told: Callable[[str, int], None] = lambda *_: None,
) -> Result:
    """Attack an API as two of its users; `ConfigurationError` when that cannot begin.

    ``told`` is called with the step and the number of requests, for progress.
    """
    if alice.user_id == bob.user_id:
        msg = "both tokens are of the same user: two users are needed"
        raise ConfigurationError([msg])
    for one in (alice, bob):
        if one.expires is not None and one.expires <= time.time():
            msg = f"{one.name}'s token has expired: give a fresh one"
            raise ConfigurationError([msg])
    started = time.monotonic()
    result = Result(target.name)
    step = ["reading the document"]
    async with target.open(result.notes.append) as client:
        sender = Sender(client, options.limits, options.headers, lambda count: told(step[0], count))
        document = read_document(options.document or await _document(sender, options))
        arena = Arena(
            document,
            Kinds(document),
            sender,
            alice,
            bob,
            Random(options.seed),  # noqa: S311  markers and ids, no secrets
            result,
            options.throwaway,
        )
        result.title = visible(f"{document.title} {document.version}".strip())
        await _Run(arena, options, step, client, target).everything()
        result.requests, result.seconds = sender.spent, time.monotonic() - started
    return result


async def _document(sender: Sender, options: Options) -> Any:
    named = urlsplit(options.openapi or "").path.lstrip("/")
    paths = (f"/{named}",) if named else DOCUMENTS
    for path in paths:
        answer = (await sender.send(Call("GET", path))).answer
        if answer.good and answer.data is not None:
            return answer.data
    msg = f"no OpenAPI document at {', '.join(paths)}: name its path or file with --openapi"
    raise ConfigurationError([msg])


class _Run:
    """The steps of an attack, in order."""

    def __init__(
        self,
        arena: Arena,
        options: Options,
        step: list[str],
        client: httpx2.AsyncClient,
        target: Target,
    ) -> None:
        self.arena = arena
        self.options = options
        self.step = step
        self.client = client
        self.target = target
        self.objects = Objects(arena)
        self.probing = Probing(arena, self.objects)

    async def everything(self) -> None:
        """Try everything; what is made is removed whatever happens."""
        try:
            await self._attacks()
        except Stopped as end:
            if not any(one.done for one in self.arena.result.exercises.values()):
                msg = f"{end}; nothing was tried"
                raise ConfigurationError([msg]) from end
            self.arena.result.notes.append(str(end))
        finally:
            self.step[0] = "cleaning up"
            self.arena.result.left_behind = await self._cleaned()
            self._note_unanswered()

    def _note_unanswered(self) -> None:
        """Tell of silence, which is no refusal: what it concerns counts as untried."""
        if count := self.arena.sender.unanswered:
            note = f"requests without an answer: {count}; try again, with a longer --timeout"
            self.arena.result.notes.append(note)

    async def _cleaned(self) -> list[str]:
        self.arena.sender.allow_more()
        return await self.objects.remove_all()

    async def _attacks(self) -> None:
        self.step[0] = "making objects"
        await self._make_objects()
        probes = await self._probes()
        if not probes:
            reasons = {one.reason for one in self.arena.result.exercises.values()}
            msg = f"no operation works with Alice's token: {'; '.join(sorted(reasons)[:3])}"
            raise ConfigurationError([msg])
        made = self._credentials()
        self.step[0] = "credentials"
        await self.probing.run(probes, made if Family.CREDENTIAL in self.options.families else [])
        await self._make_objects()
        if Family.CROSSING in self.options.families:
            self.step[0] = "other users' objects"
            await Crossing(self.arena, self.objects).run(probes)
            await Asking(self.arena, self.objects).run(probes)
            await Assigning(self.arena, self.objects).run(probes)
            await Referring(self.arena, self.objects).run(probes)
            await count_foreign(self.arena, self.objects, probes)
        if Family.SURFACE in self.options.families:
            self.step[0] = "methods, paths, WebSockets"
            await Surface(self.arena, self.objects).run(probes)
            await self._sockets(made)

    def _credentials(self) -> list[Credential]:
        made = list(credentials(self.arena.alice, self.arena.bob, self.options.keys))
        most = self.options.variants
        count: Counter[str] = Counter()
        kept = []
        for one in made:
            count[one.attack] += 1
            if most is None or count[one.attack] <= most:
                kept.append(one)
        return kept

    async def _make_objects(self) -> None:
        """Make one new object of each kind for each person."""
        for kind in self.arena.kinds.creators:
            for person in (self.arena.alice, self.arena.bob):
                try:
                    await self.objects.make(kind, person)
                except Unmade:
                    continue  # told again, with its reason, by every operation that needs it

    async def _probes(self) -> list[Probe]:
        probes = []
        for operation in self.arena.document.operations:
            exercise = self.arena.result.exercise(operation.name)
            exercise.reason = self._left_out(operation.name, operation.path)
            if exercise.reason:
                continue
            try:
                probe = await self.probing.baseline(operation)
            except Unmade as err:
                exercise.reason = str(err)
                continue
            exercise.done, exercise.status = True, probe.valid.answer.status
            exercise.public = _matches(operation.name, operation.path, self.options.public)
            probes.append(probe)
            if not (operation.reads or probe.target or operation.method == "POST"):
                # It may have changed or deleted everything that Alice had.
                for earlier in probes:
                    await self.probing.restore(earlier)
        for name, reason in self.arena.document.left_out:
            self.arena.result.exercise(name).reason = reason
        return probes

    def _is_wanted(self, path: str, named: list[str]) -> bool:
        name = f"WS {path}"
        self.arena.result.exercise(name).reason = self._left_out(name, path)
        return path not in named and not self.arena.result.exercise(name).reason

    def _left_out(self, name: str, path: str) -> str:
        included = _matches(name, path, self.options.include)
        if _matches(name, path, self.options.exclude):
            return "excluded"
        if self.options.include and not included:
            return "not included"
        segments = {"".join(words(segment)) for segment in path.split("/")} | {*words(path)}
        if not included and DANGEROUS & segments:
            return "its name says that it ends sessions or changes passwords; --include tries it"
        if not included and DOORS & segments and not name.startswith(("GET", "WS")):
            return "its name says that it is used without a user's token; --include tries it"
        return ""

    async def _sockets(self, made: Iterable[Credential]) -> None:
        paths = list(self.options.websockets)
        if isinstance(self.target, AppTarget):
            app = self.target.app if self.target.app is not None else loaded(self.target.name)
            paths += [path for path in socket_paths(app) if self._is_wanted(path, paths)]
            handshake = in_process(app, self.arena.sender.timeout)
        else:
            handshake = over_http(self.client, self.arena.sender.timeout)
        await websockets(self.arena, self.objects, paths, handshake, list(made))


def _matches(name: str, path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, one) or fnmatchcase(path, one) for one in patterns)
