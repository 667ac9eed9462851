"""A stand-in for the national platform: its own process, its own state, no knowledge of the portal.

A request goes server (sockets) → platform → gateway (who calls) → envelope → specification (fields) → the desk of its
transaction in `rooms/`, in one transaction of the SQLite books together with its journal and its line in the log. What
is answered comes from what was told before or from the opening books that `seeds/` makes from a number; `faults` and
`spoiling` make it go wrong on command; `control` is the API under /_sandbox/ for tests and demonstrations.
"""
