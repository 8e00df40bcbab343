"""Documents: folds, cuts, search, raw bytes; nothing that a terminal obeys in any line."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from mcpscope.tui.present.content import decoded
from mcpscope.tui.present.document import Document, document, raw_text
from mcpscope.tui.present.jsonindex import index_json


def lines(found: Document) -> list[str]:
    return ["".join(text for text, _ in found.spans(row)) for row in range(len(found))]


def png(wide: int, high: int) -> bytes:
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(head))


def wav(seconds: float) -> bytes:
    data = b"\0" * int(seconds * 44100 * 4)
    fmt = struct.pack("<HHIIHH", 1, 2, 44100, 44100 * 4, 4, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


def block(kind: str, mime: str, data: str) -> bytes:
    return json.dumps({"result": {"content": [{"type": kind, "mimeType": mime, "data": data}]}}).encode()


def test_pretty_prints_two_spaces_and_commas() -> None:
    found = document(b'{"a":{"b":[1,{}],"c":"x"},"d":[]}')
    assert lines(found) == [
        "{",
        '  "a": {',
        '    "b": [',
        "      1,",
        "      {}",
        "    ],",
        '    "c": "x"',
        "  },",
        '  "d": []',
        "}",
    ]


def test_a_fold_hides_its_lines_and_shows_its_beginning() -> None:
    found = document(b'{"a":{"b":1,"c":2},"d":3}')
    found.toggle(1)
    assert lines(found) == ["{", '  "a": {"b":1,"c":2},', '  "d": 3', "}"]
    found.toggle(1)
    assert len(found) == 7


def test_the_tree_folds_meta_and_has_no_braces() -> None:
    found = document(b'{"params":{"name":"x","_meta":{"k":1},"items":[true,null]}}', tree=True)
    assert lines(found) == [
        "▾ params {3}",
        '    name  "x"',
        "  ▸ _meta {1}",
        "  ▾ items [2]",
        "      0  true",
        "      1  null",
    ]


def test_an_image_shows_what_it_is_and_no_base64() -> None:
    data = png(640, 480) + b"x" * 1000
    found = document(block("image", "image/png", base64.b64encode(data).decode()))
    text = "\n".join(lines(found))
    assert "image/png  640x480  1.0 KB  sha256 " in text
    assert base64.b64encode(data).decode()[:40] not in text
    (line,) = found.media
    assert decoded(found.index, line) == data


def test_audio_shows_channels_rate_and_duration() -> None:
    found = document(block("audio", "audio/wav", base64.b64encode(wav(0.5)).decode()))
    assert "2 ch 44.1 kHz  0.5 s" in "\n".join(lines(found))


def test_wrong_types_and_broken_base64_are_said() -> None:
    jpeg = base64.b64encode(b"\xff\xd8\xff\xe0" + b"0" * 50).decode()
    assert "says image/png, bytes look like JPEG" in "\n".join(
        lines(document(block("image", "image/png", jpeg)))
    )
    assert "base64 invalid at 4" in "\n".join(lines(document(block("image", "image/png", "AAAA!bcd"))))


def test_a_blob_shows_its_first_bytes() -> None:
    body = json.dumps(
        {
            "contents": [
                {
                    "uri": "x",
                    "mimeType": "application/pdf",
                    "blob": base64.b64encode(b"%PDF-1.7 rest").decode(),
                }
            ]
        }
    )
    assert '"%PDF-1.7"' in "\n".join(lines(document(body.encode())))


def test_data_that_is_no_media_is_left_alone() -> None:
    assert '"data": "AAAA"' in "\n".join(lines(document(b'{"result":{"data":"AAAA"}}')))


def test_long_strings_are_cut_with_their_length() -> None:
    (line,) = [
        line for line in lines(document(json.dumps({"t": "x" * 5000}).encode())) if "Enter to open" in line
    ]
    assert "5,002 bytes" in line and len(line) < 300


def test_search_finds_lines_and_unfolds_nothing_by_itself() -> None:
    found = document(b'{"a":"needle","b":{"c":"hay","d":"Needle"}}')
    hits = found.hits(re.compile(b"needle", re.IGNORECASE))
    assert [found.index.key(line) for line in hits] == ["a", "d"]
    assert found.find(re.compile(b"needle", re.IGNORECASE), 1) == hits[1]
    assert found.find(re.compile(b"needle", re.IGNORECASE), 1, back=True) == hits[1]


def test_what_is_shown_of_an_image_is_found_and_its_base64_is_not() -> None:
    data = base64.b64encode(png(64, 48)).decode()
    body = {
        "content": [{"type": "image", "mimeType": "image/png", "data": data}, {"type": "text", "text": "x"}]
    }
    found = document(json.dumps(body).encode())
    (line,) = found.media
    assert found.hits(re.compile(b"64x48")) == [line] == found.hits(re.compile(b'"data"'))
    assert found.hits(re.compile(re.escape(data[8:16]).encode())) == []


def test_a_key_is_found_on_its_own_line() -> None:
    found = document(b'{"alpha":1,"beta":2}')
    assert found.hits(re.compile(b"beta")) == [2]


def test_raw_shows_control_characters_and_cuts_base64() -> None:
    shown = raw_text(b'{"a":"\x1b[31m"}' + b"\x00", 10)
    assert "\x1b" not in "".join(shown.rows) and "\\u{1b}" in "".join(shown.rows)
    cut = raw_text(b'"' + b"A" * 5000 + b'"', 80)
    assert any("5,000 characters of base64" in row for row in cut.rows)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_put_a_control_character_on_the_screen(source: bytes) -> None:
    shown = [*lines(document(source)), *lines(document(source, tree=True)), *raw_text(source, 20).rows]
    assert all(text.isprintable() for text in shown)


def test_the_head_of_a_longer_text_has_no_comma_behind_what_is_still_open() -> None:
    head = Document(index_json(b'{"content": [{"type": "text", "text": "ab', partial=True))
    lines = ["".join(text for text, _ in head.spans(row)) for row in range(len(head))]
    assert lines[:3] == ["{", '  "content": [', "    {"]
