"""Findings: what peers do that the specification forbids, or that other clients choke on."""
