"""What became of a message, as the audit trail keeps it."""

from __future__ import annotations

from mcpscope.engine.commands import Record
from mcpscope.engine.outcomes import Outcome, Word
from mcpscope.engine.passage import Passage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine


def outcome_of(
    engine: Engine,
    passage: Passage,
    word: Word,
    at: int,
    detail: dict[str, object] | None = None,
    *,
    sent: bytes | None = None,
) -> Record:
    """The OUTCOME record for ``passage``."""
    said = dict(detail or {})
    if passage.rule and engine.steering.strict is not None:
        said.update(_caller(engine, passage))
    if passage.tags and word.final:
        said["tags"] = passage.tags
    if passage.saw and word.final:
        said["saw"] = passage.saw
    if passage.said and word.final:
        said.update(passage.said)
    if passage.fault:
        said["fault"] = passage.fault
    if passage.warnings and word.final:
        said["warnings"] = passage.warnings
    outcome = Outcome(
        passage.at, word, at, passage.actor or "rule", passage.rule, passage.held_ns, sent, said
    )
    return Record(outcome, passage.direction, passage.stream)


def _caller(engine: Engine, passage: Passage) -> dict[str, object]:
    """Who called, for the record: by token, or by what the client says of itengine."""
    if passage.caller:
        return {"caller": passage.caller}
    name = engine.memory.identity.facts.client_name
    return {"caller": name, "claimed": True} if name else {}
