"""What the UI does: one screen a file, each owns its handlers.

May import everything of tui.
"""
