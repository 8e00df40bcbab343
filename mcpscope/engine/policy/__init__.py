"""A policy file as rules: read strictly, all its problems at once, each with its line.

Pure: text in, values out. ``load`` is the door; ruamel.yaml reads the text, CEL the conditions of ``when``.
"""
