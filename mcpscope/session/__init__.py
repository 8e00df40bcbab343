"""One conversation between a client and a server: two roads, a lane on each, and how it all ends.

May import transports, store, control, engine and protocol. A *road* moves the bytes of one direction and
keeps them bounded; the *lane* on it decides what becomes of them. The fast lane (``session.lanes``) journals
a chunk and forwards it unparsed; a gate is another lane that frames and judges, and ``Road.enter`` puts it
on the road at the next message boundary, in either order, while traffic flows.
"""
