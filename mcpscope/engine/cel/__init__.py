"""CEL expressions that the library compiled, as Python functions that take a microsecond.

May import the filter's regular expressions; the library itself stays with ``engine.policy.when``.
"""
