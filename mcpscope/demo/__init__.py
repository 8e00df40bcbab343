"""A demonstration without a network: a small MCP server, a scripted client, and how the two are run.

Server and client are written against ``send`` and ``later`` only, so that the same code runs as two real
processes on either side of a real proxy, and in virtual time for a database that is always the same.
May import everything up to ``session``, but no terminal UI.
"""
