"""What we do about it: events in, commands out.

No I/O, clock, randomness or logging. May import protocol and pure evaluators.
"""
