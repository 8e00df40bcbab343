"""What was seen: the journal, the recorder and the database.

The only package with SQL. May import protocol and engine values.
"""
