"""Exchanges as OpenTelemetry spans: ``spans`` makes them, ``collector`` sends, ``live`` follows a proxy."""
