"""Change a FastAPI code base so that what the audit found is right, and nothing else moves."""
