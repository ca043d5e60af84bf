"""A worker that reminds people; started on Windows as a service."""

import logging

from fastapi import FastAPI

from betterguard import force_utf8

force_utf8()
logging.getLogger().addHandler(logging.FileHandler("worker.log", encoding="utf-8"))

app = FastAPI()
print("🚀 starting")


@app.get("/health")
def health() -> dict[str, str]:
    print("✓ healthy")
    return {"status": "ok"}
