"""Messages like those of real servers: records, file listings, search hits; seeded, no two alike."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

_TEXT = """
account active amount archive branch buffer build cache change client commit config connect count
create customer data default delete deploy detail device draft email error event export failed field
file filter folder format found header image import index input invoice issue item label language
layout limit line list local login memory merge message method model module month network number
object open order output owner page parent patch path pending people permission person phone place
plan price process product project public query queue read ready record region release remote report
request result review role row rule run sample schema search section select server service session
shared sign size source stage start state status step stock store stream street string summary
support table target task team test text theme thread ticket time title token total track type
update upload user value version view volume week write
"""
WORDS = _TEXT.split()


def write_payloads(path: Path, size: int, count: int, seed: int) -> Path:
    """Write ``count`` JSON objects of about ``size`` bytes each, one a line."""
    rng = random.Random(seed)
    shapes: tuple[Callable[[random.Random], object], ...] = (_record, _listing, _hit)
    with path.open("w") as file:
        for _ in range(count):
            shape = rng.choice(shapes)
            file.write(_of_size(shape, size, rng) + "\n")
    return path


def _of_size(shape: Callable[[random.Random], object], size: int, rng: random.Random) -> str:
    """Items of one shape until the size is reached, then a text that fills it up to the byte."""
    items: list[str] = []
    used = len('{"items":[],"note":""}')
    while True:
        item = json.dumps(shape(rng), separators=(",", ":"))
        if used + len(item) + 1 > size:
            break
        items.append(item)
        used += len(item) + (1 if len(items) > 1 else 0)
    note = ""
    while len(note) < size - used:
        note += rng.choice(WORDS) + " "
    return '{"items":[' + ",".join(items) + '],"note":"' + note[: max(0, size - used)] + '"}'


def _record(rng: random.Random) -> object:
    return {
        "id": rng.randrange(10**9),
        "name": f"{rng.choice(WORDS)} {rng.choice(WORDS)}".title(),
        "email": f"{rng.choice(WORDS)}.{rng.choice(WORDS)}@example.com",
        "amount": round(rng.random() * 10_000, 2),
        "created_at": f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T"
        f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z",
        "active": rng.random() < 0.7,
        "tags": rng.sample(WORDS, rng.randrange(4)),
    }


def _listing(rng: random.Random) -> object:
    folder = "/".join(rng.choice(WORDS) for _ in range(rng.randrange(2, 5)))
    return {
        "path": f"/srv/{folder}/{rng.choice(WORDS)}.{rng.choice(['py', 'ts', 'md', 'json', 'txt'])}",
        "size": rng.randrange(1 << 22),
        "sha256": f"{rng.getrandbits(256):064x}",
        "mode": rng.choice(["0644", "0755", "0600"]),
    }


def _hit(rng: random.Random) -> object:
    return {
        "score": rng.random(),
        "url": f"https://{rng.choice(WORDS)}.example.org/{rng.choice(WORDS)}/{rng.randrange(10**6)}",
        "title": " ".join(rng.choice(WORDS) for _ in range(rng.randrange(3, 8))).capitalize(),
        "text": " ".join(rng.choice(WORDS) for _ in range(rng.randrange(12, 30))) + ".",
    }
