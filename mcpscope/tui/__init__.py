"""The terminal UI: a client of store and control like any other.

May import store, control, replay and Textual.
"""
