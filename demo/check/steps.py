"""The steps of the check, in order, by the sentence that each one makes true."""

from __future__ import annotations

from demo.check import chatbot, looks, refusals, sessions, tasks

__all__ = ["STEPS"]

STEPS = (
    ("Alice signs up and finds an empty list", tasks.alice_signs_up),
    ("Bob signs up in another browser", tasks.bob_signs_up),
    ("Both add tasks, which are still there after a reload", tasks.both_add_tasks),
    ("Neither sees the other's tasks", tasks.neither_sees_the_others),
    ("Alice's token on Bob's path is a 403", tasks.foreign_path_is_403),
    ("Bob's task under Alice's path is a 404, as a missing one", tasks.foreign_row_is_404),
    ("A missing token is a 401 that the page can read", refusals.missing_token),
    ("An expired token is a 401 that the page can read", refusals.expired_token),
    ("A tampered token is a 401 that the page can read", refusals.tampered_token),
    ("Another user's path is a 403 that the page can read", refusals.another_users_path),
    ("A route that raises is a 500 that the page can read", refusals.raising_route),
    ("The page fits a phone", looks.phone),
    ("The page follows a preference for the dark", looks.dark),
    ("Tasks are renamed and deleted", tasks.tasks_are_changed),
    ("The chatbot works on the same tasks from its own origin", chatbot.chatbot_works),
    ("The chatbot does nothing when nobody hands it a token", chatbot.chatbot_alone),
    ("The token is renewed a minute before its end", sessions.renewal),
    ("A refused call is repeated once with a new token", sessions.refused_once),
    ("The token is in memory only", sessions.nothing_is_stored),
    ("Everything works with the keyboard alone", looks.keyboard_only),
    ("Signing out takes the tasks off the page and ends the token", sessions.signing_out),
    ("The browser has nothing to complain of", looks.no_complaints),
)
