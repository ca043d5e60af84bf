"""Evaluations of the agent skill: small applications, what people ask, and how to grade."""
