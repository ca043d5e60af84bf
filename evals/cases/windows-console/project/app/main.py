"""A worker that reminds people; started on Windows as a service."""

import io
import logging
import sys

from fastapi import FastAPI

sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
logging.getLogger().addHandler(logging.FileHandler("worker.log"))

app = FastAPI()
print("🚀 starting")


@app.get("/health")
def health() -> dict[str, str]:
    print("✓ healthy")
    return {"status": "ok"}
