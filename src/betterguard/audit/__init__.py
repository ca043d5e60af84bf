"""Find what is wrong in a FastAPI code base without running it."""
