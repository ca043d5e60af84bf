"""How much Hypothesis tries: a little with the other tests, much more under `make fuzz`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines that build are slow at times, and that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("brief", PATIENT, max_examples=100)
settings.register_profile("fuzz", PATIENT, max_examples=3000, print_blob=True)
settings.load_profile("brief")
