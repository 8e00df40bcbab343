"""One conversation running: where the engine meets transports, journal and control.

Below proxy and replay, which both use it.
"""
