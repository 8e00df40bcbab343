from mcpscope.engine.outcomes import Outcome, Word


def test_an_outcome_comes_back_from_its_record_with_the_bytes_sent():
    outcome = Outcome(
        7, Word.EDITED, 9, "ui pts/3", rule="b1", waited_ns=2, sent=b'{"a":"\\u0000"}', detail={"x": [1]}
    )
    assert Outcome.from_record(outcome.to_record()) == outcome


def test_no_bytes_and_empty_bytes_are_told_apart():
    bare = Outcome(1, Word.DROPPED, 2, "rule")
    assert Outcome.from_record(bare.to_record()).sent is None
    empty = Outcome(1, Word.EDITED, 2, "rule", sent=b"")
    assert Outcome.from_record(empty.to_record()).sent == b""


def test_only_the_stations_are_not_final():
    assert [word for word in Word if not word.final] == [Word.HELD, Word.GAVE_UP]
