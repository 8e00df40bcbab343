"""Recordings in the forms of other tools, and what is masked in them.

May import store, engine and protocol; printed by cli.
"""
