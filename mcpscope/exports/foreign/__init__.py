"""Recordings of other programs as lines of ``store.jsonl``: ``kinds`` knows which file is whose."""
