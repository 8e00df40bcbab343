"""How bytes arrive and leave, on any event loop with the methods of transports.loop. May import protocol."""
