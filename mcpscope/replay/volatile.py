"""What varies between two runs of the same server, and the masks that would hide it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcpscope.replay.compare import Difference, Level, compare
from mcpscope.replay.json_paths import ASKED, Mask, generalise
from mcpscope.replay.verdicts import Row


def proposed_masks(first: Iterable[Row], second: Iterable[Row], known: Sequence[Mask] = ()) -> list[str]:
    """Masks for every place where two runs answered the same request differently.

    A minted value that was mapped needs no mask.
    A place whose kind changed (an item more, a result that became an error) is no noise and gets no mask.
    """
    again = {row.seq: row for row in second if row.now is not None}
    found: dict[str, None] = {}
    for row in first:
        other = again.get(row.seq)
        if row.now is None or other is None or other.now is None:
            continue
        own = [mask for mask in known if mask.is_for(row.label)]
        counted = {item.path for item in other.differences if item.level > Level.INFO}
        for item in compare(row.now, other.now, masks=own):
            values = (item.was, item.now)
            if item.path in counted and all(isinstance(value, str | int | float) for value in values):
                found[_mask_for(row.label, item)] = None
    return list(found)


def _mask_for(label: str, item: Difference) -> str:
    """The narrowest mask that hides the difference: what varies in a text before the whole text."""
    place = f"{label.removeprefix(ASKED)}:{generalise(item.path)}"
    narrow = f"{place}~"
    return narrow if Mask(narrow).hides(item.path, item.was, item.now) else place
