"""Small complete applications, and the checks that build and drive them."""
