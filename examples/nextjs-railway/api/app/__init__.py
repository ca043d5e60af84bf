"""A to-do API whose users sign in with Better Auth."""
