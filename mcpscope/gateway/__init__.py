"""Several servers behind one endpoint: an upstream that fans out to upstreams.

May import session and all below it. To the listener a ``fan`` is a server that speaks in lines; to each
server it is a client of its own, through a ``line`` that is recorded and judged like any other session. The
engine learns nothing of it.
"""
