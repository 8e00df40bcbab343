"""A recording said again: what to send, what was minted, what differs, and the verdict.

May import everything above proxy: session, store, control, transports, engine, protocol.
"""
