"""An observer that counts and times through OpenTelemetry's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics
from opentelemetry.metrics import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import CallbackOptions, MeterProvider

    from betterguard.web.guard import BetterGuard

__all__ = ["Telemetry"]

# Seconds: from a remembered token to a fetch of the key set.
BUCKETS = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 1.0, 5.0)


class Telemetry:
    """Counters, timings and gauges of one guard: ``BetterGuard.from_env(observer=Telemetry())``.

    ``meter_provider`` is OpenTelemetry's global one by default. Attributes hold outcomes and
    reasons alone, so that their number is bounded and nobody is named.
    """

    def __init__(self, meter_provider: MeterProvider | None = None) -> None:
        meter = metrics.get_meter("betterguard", meter_provider=meter_provider)
        self._meter = meter
        self._verifications = meter.create_counter(
            "betterguard.verifications", "{verification}", "Credentials that were looked at"
        )
        self._durations = meter.create_histogram(
            "betterguard.verification.duration",
            "s",
            "How long it took to look at a credential",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self._isolation = meter.create_counter(
            "betterguard.isolation.refusals", "{refusal}", "What would have crossed between users"
        )

    def watch(self, guard: BetterGuard[Any]) -> None:
        """Report the guard's key set and revocations whenever metrics are collected."""

        def usable(_: CallbackOptions) -> Iterable[Observation]:
            state = guard.key_set_state()
            return () if state is None else (Observation(int(state.usable)),)

        def age(_: CallbackOptions) -> Iterable[Observation]:
            state = guard.key_set_state()
            return () if state is None or state.age is None else (Observation(state.age),)

        def revocations(_: CallbackOptions) -> Iterable[Observation]:
            state = guard.revocation_state()
            return () if state is None else (Observation(state.entries),)

        def staleness(_: CallbackOptions) -> Iterable[Observation]:
            state = guard.revocation_state()
            return () if state is None or state.age is None else (Observation(state.age),)

        for name, unit, told, callback in (
            ("key_set.usable", "1", "1 when tokens can be checked, else 0", usable),
            ("key_set.age", "s", "Since the key set was last fetched", age),
            ("revocations", "{revocation}", "Revocations in force", revocations),
            ("revocations.age", "s", "Since the store was last heard of", staleness),
        ):
            self._meter.create_observable_gauge(f"betterguard.{name}", [callback], unit, told)

    def verified(self, outcome: str, seconds: float) -> None:
        """Count and time one credential."""
        attributes = {"betterguard.outcome": str(outcome)}
        self._verifications.add(1, attributes)
        self._durations.record(seconds, attributes)

    def kept_apart(self, reason: str) -> None:
        """Count one refusal of the isolation."""
        self._isolation.add(1, {"betterguard.reason": str(reason)})
