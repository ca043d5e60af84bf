"""A to-do API that only shows people their own tasks."""
