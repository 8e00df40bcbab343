"""The filter language: one syntax for lists, breakpoints, rules, replay selection and export.

``language.parse`` turns text into a ``Filter``; ``predicate`` compiles it for one exchange in memory, and
``store.query`` for recorded ones. May import protocol, errors and text; RE2 is loaded by the first regex.
"""
