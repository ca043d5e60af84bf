"""What every test finds in its environment: an address that nobody has to answer at."""

import os

os.environ.setdefault("BETTER_AUTH_URL", "http://localhost:3000")  # read when auth.py is imported
