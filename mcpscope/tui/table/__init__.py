"""The rows of the table of actions, by what they are about. Imports ``action`` and ``places`` only."""
