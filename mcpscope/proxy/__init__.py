"""The running proxy: the one place where a session meets the process it lives in.

May import session and all below it. Signals, the registry entry by which UIs find us, and the recorder that
is started and kept running beside the wire.
"""
