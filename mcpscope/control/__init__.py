"""How somebody else steers a live proxy: newline-delimited JSON-RPC on a Unix socket.

May import protocol and engine values.
"""
