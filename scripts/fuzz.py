"""Try new inputs on all that has properties: `python scripts/fuzz.py [seconds]` (300).

Each round is a run of the property tests with another seed, which is printed, so that a
failure can be had again. Ends with the first failure, or with success when the time is up.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time

DEFAULT_SECONDS = 300.0
TESTS = (
    "tests/tokens/test_fuzz.py",
    "tests/tokens/test_ed25519.py",
    "tests/web/test_fuzz.py",
    "tests/web/test_bearer.py",
    "tests/live/test_explanation.py",
    "tests/test_addresses.py",
    "tests/schema/test_timestamps.py::test_what_is_bound_is_the_same_moment",
    "tests/schema/test_timestamps.py::test_what_has_no_zone_is_never_bound",
)


def main(seconds: float) -> int:
    """Run rounds until the time is up; give the exit code."""
    end = time.monotonic() + seconds
    rounds = 0
    while (left := end - time.monotonic()) > 0:
        seed = secrets.randbelow(2**32)
        print(f"round {rounds + 1}, seed {seed}, {left:.0f} s left", flush=True)
        options = ["-q", "--timeout=0", "--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"]
        try:
            # The last round is cut off when the time is up: what it tried so far has passed.
            code = subprocess.run(
                [sys.executable, "-m", "pytest", *TESTS, "-x", *options], check=False, timeout=left
            ).returncode
        except subprocess.TimeoutExpired:
            break
        if code:
            return code
        rounds += 1
    print(f"the time is up; {rounds} whole rounds passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS))
