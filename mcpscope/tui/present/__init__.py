"""What the UI says and how it is laid out: pure functions from recorded values to spans of text.

May import engine and protocol values, and rich for the width of characters; no widget, no store, no clock.
"""
