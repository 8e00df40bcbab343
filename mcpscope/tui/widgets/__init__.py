"""What the UI shows: widgets that paint spans and lists, and decide nothing.

May import present and Textual.
"""
