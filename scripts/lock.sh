#!/bin/sh
# Pin every requirement file with hashes, for all platforms. Needs uv on PATH.
set -eu
cd "$(dirname "$0")/.."
compile() {
  name=$1
  shift
  uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
    --python-version 3.11 --output-file "requirements/$name.txt" "$@"
}
compile dev pyproject.toml --all-extras --group dev
# The demo's pins are a part of the others', so that installing one never undoes the other.
compile demo pyproject.toml --extra sqlalchemy --group demo --constraint requirements/dev.txt
compile docs pyproject.toml --group docs --constraint requirements/dev.txt
compile windows pyproject.toml --all-extras --group windows --constraint requirements/dev.txt
# The peers run on the very same FastAPI and uvicorn, so that the ratios compare guards alone.
printf '%s\n' 'fastapi-better-auth-bridge[httpx2]' 'fastapi-betterauth[fastapi]' 'uvicorn[standard]' |
  compile bench-peers --constraint requirements/dev.txt -
compile node --group pyproject.toml:node
echo uv | compile uv -
# Other versions that `make test` runs some tests with, laid over dev's: the oldest that
# pyproject.toml admits, and the newest of the line before the current one.
other() {
  name=$1
  shift
  printf '%s\n' "$@" | compile "versions/$name" --no-deps -
}
other oldest 'sqlalchemy==2.0.40' 'sqlmodel==0.0.24'
other sqlalchemy-2.0 'sqlalchemy<2.1' 'sqlmodel'
