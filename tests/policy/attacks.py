"""Spellings of forbidden calls, each under the name of its trick. Some are tricks of HTTP alone."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from tests.policy.readings import Call

LAW = """\
version: 1
rules:
  - {name: no forbidden tool, match: "tool:forbidden", action: deny}
  - {name: no files of the system, match: "tool:files args.path~^/etc", action: deny}
  - {name: small payments, match: "tool:pay", when: "has(args.amount) && args.amount > 100", action: deny}
  - {name: not this account, match: "tool:account args.id=9007199254740992", action: deny}
  - {name: no secret prompt, match: "name:secret", action: deny}
  - {name: no resources of the system, match: "uri:file:///etc/*", action: deny}
  - {name: no samples, match: "method:logging/setLevel", action: deny}
  - {name: rename, match: "tool:harmless", action: edit, set: {params.name: forbidden}}
"""


def is_forbidden(call: Call) -> bool:
    """Whether the law forbids what a reader found."""
    method, params = call
    name, arguments = params.get("name"), params.get("arguments") or {}
    if method == "tools/call":
        path, amount = arguments.get("path"), arguments.get("amount")
        return (
            name == "forbidden"
            or (name == "files" and isinstance(path, str) and path.startswith("/etc"))
            or (name == "account" and arguments.get("id") == 1 << 53)
            or (name == "pay" and isinstance(amount, int | float) and amount > 100)
        )
    if method == "completion/complete":
        name = (params.get("ref") or {}).get("name")
    uri = str(params.get("uri") or (params.get("ref") or {}).get("uri") or "")
    wished = (params.get("notifications") or {}).get("resourceSubscriptions") or ()
    reads = method.startswith(("resources/", "completion/", "subscriptions/"))
    return (
        method == "logging/setlevel"
        or (method in ("prompts/get", "completion/complete") and name == "secret")
        or (reads and any(place.startswith("file:///etc/") for place in (uri, *wished)))
    )


@dataclass(frozen=True, slots=True)
class Attack:
    """One POST; over stdio its body is a line. ``shows``: a reader of ours sees the call in the bytes."""

    name: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    target: str = "/mcp"
    method: str = "POST"
    http_only: bool = False
    shows: bool = True


def call(name: Any = "forbidden", arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A ``tools/call`` as data."""
    params = {"name": name, "arguments": {} if arguments is None else arguments}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params, **more}


def spelled(body: Any, *, ascii: bool = False) -> bytes:
    return json.dumps(body, ensure_ascii=ascii, separators=(",", ":")).encode("utf-8", "surrogatepass")


PLAIN = spelled(call())
FILES = spelled(call("files", {"path": "/etc/passwd"}))
PAY = spelled(call("pay", {"amount": 1000}))
MILD = spelled(call("open"))


def swap(old: str, new: str, raw: bytes = PLAIN) -> bytes:
    assert old.encode() in raw, old
    return raw.replace(old.encode(), new.encode("utf-8", "surrogatepass"))


def deep(levels: int, raw: bytes = PLAIN) -> bytes:
    return swap('"arguments":{}', '"arguments":{"x":' + "[" * levels + "]" * levels + "}", raw)


TWICE = {
    "tool name twice, forbidden last": swap('"name":"forbidden"', '"name":"open","name":"forbidden"'),
    "tool name twice, forbidden first": swap('"name":"forbidden"', '"name":"forbidden","name":"open"'),
    "tool name twice, once escaped": swap('"name":"forbidden"', '"n\\u0061me":"forbidden","name":"open"'),
    "tool name three times": swap('"name"', '"name":"open","name":"open","name"'),
    "params twice": swap('"params":', '"params":{"name":"open","arguments":{}},"params":'),
    "params twice, forbidden first": PLAIN[:-1] + b',"params":{"name":"open","arguments":{}}}',
    "method twice": swap('"method":', '"method":"ping","method":'),
    "method twice, forbidden first": PLAIN[:-1] + b',"method":"ping"}',
    "id twice": swap('"id":7', '"id":7,"id":8'),
    "jsonrpc twice": swap('"jsonrpc":"2.0"', '"jsonrpc":"1.0","jsonrpc":"2.0"'),
    "arguments twice": swap('"arguments":', '"arguments":{"path":"/tmp"},"arguments":', FILES),
    "arguments twice, forbidden first": swap('"}}}', '"},"arguments":{"path":"/tmp"}}}', FILES),
    "argument twice": swap('"path":', '"path":"/tmp","path":', FILES),
    "argument twice, forbidden first": swap('passwd"', 'passwd","path":"/tmp"', FILES),
    "argument twice, far apart": swap(
        'passwd"', 'passwd","x":' + json.dumps("y" * 70_000) + ',"path":"/tmp"', FILES
    ),
    "amount twice": swap('"amount":1000', '"amount":1,"amount":1000', PAY),
}

LOOKALIKES = {
    "tool name in capitals beside": swap('"name":"forbidden"', '"name":"open","NAME":"forbidden"'),
    "tool name in capitals before": swap('"name":"forbidden"', '"Name":"forbidden","name":"open"'),
    "tool name in capitals alone": swap('"name"', '"Name"'),
    "params in capitals": swap('"params"', '"Params"'),
    "params in capitals beside": swap('"params":', '"params":{"name":"open"},"PARAMS":'),
    "method in capitals": swap('"method"', '"Method"'),
    "method in capitals beside": swap('"method":', '"method":"ping","METHOD":'),
    "arguments in capitals": swap('"arguments"', '"Arguments"', FILES),
    "arguments in capitals beside": swap('"arguments":', '"arguments":{"path":"/tmp"},"Arguments":', FILES),
    "argument in capitals beside": swap('"path":', '"path":"/tmp","PATH":', FILES),
    "argument in capitals alone": swap('"path"', '"Path"', FILES),
    "amount in capitals alone": swap('"amount"', '"Amount"', PAY),
    "amount in full width alone": swap('"amount"', '"\uff41mount"', PAY),
    "argument with a long s": swap('"path":', '"path":"/tmp","PATH":', FILES),
    "arguments with a long s": swap('"arguments"', '"argument\u017f"', FILES),
    "params with a long s": swap('"params"', '"param\u017f"'),
    "params in full width": swap('"params"', '"\uff50\uff41\uff52\uff41\uff4d\uff53"'),
    "tool name in full width beside": swap('"name":"forbidden"', '"name":"open","\uff4eame":"forbidden"'),
    "tool name in full width, escaped": swap('"name":"forbidden"', '"name":"open","\\uff4eame":"forbidden"'),
    "method in full width": swap('"method"', '"\uff4dethod"'),
    "tool name with zero width": swap('"name":"forbidden"', '"name":"open","na\u200bme":"forbidden"'),
    "tool name with soft hyphen": swap('"name":"forbidden"', '"name":"open","na\u00adme":"forbidden"'),
    "tool name with a mark": swap('"name":"forbidden"', '"name":"open","name\u034f":"forbidden"'),
    "method with a space": swap('"method":', '"method":"ping","method ":'),
    "NUL behind the name": swap('"name":"forbidden"', '"name":"open","name\\u0000":"forbidden"'),
    "NUL and more behind the name": swap('"name":"forbidden"', '"name":"open","name\\u0000x":"forbidden"'),
    "NUL behind the method": swap('"method":', '"method":"ping","method\\u0000":'),
    "NUL behind an argument": swap('"path"', '"path\\u0000"', FILES),
    "argument decomposed": swap('"path":', '"path":"/tmp","path\u200d":', FILES),
}

VALUES = {
    "tool with a space behind": swap('"forbidden"', '"forbidden "'),
    "tool with a space before": swap('"forbidden"', '" forbidden"'),
    "tool with a tab": swap('"forbidden"', '"forbidden\\t"'),
    "tool with a line feed": swap('"forbidden"', '"forbidden\\n"'),
    "tool with NUL": swap('"forbidden"', '"forbidden\\u0000"'),
    "tool with NUL and more": swap('"forbidden"', '"forbidden\\u0000.txt"'),
    "tool with zero width": swap('"forbidden"', '"for\u200bbidden"'),
    "tool with zero width, escaped": swap('"forbidden"', '"for\\u200bbidden"'),
    "tool with a direction mark": swap('"forbidden"', '"\u202eforbidden"'),
    "tool in full width": swap('"forbidden"', '"\uff46orbidden"'),
    "tool in full width, escaped": swap('"forbidden"', '"\\uff46orbidden"'),
    "tool with a raised letter": swap('"forbidden"', '"\u1da0orbidden"'),
    "tool in mathematical letters": swap('"forbidden"', '"\U0001d41f\U0001d428rbidden"'),
    "path in full width": swap("/etc/passwd", "\uff0fetc/passwd", FILES),
    "path with zero width": swap("/etc/passwd", "/e\u200btc/passwd", FILES),
    "path with a space before": swap("/etc/passwd", " /etc/passwd", FILES),
    "path behind a byte order mark": swap("/etc/passwd", "\ufeff/etc/passwd", FILES),
    "quotes in full width": swap(
        '"name":"forbidden"', '"name":"open","x":"\uff02,\uff02name\uff02:\uff02forbidden"'
    ),
    "method in capitals, its value": swap('"tools/call"', '"Tools/Call"'),
    "method with NUL, its value": swap('"tools/call"', '"tools/call\\u0000"'),
    "method with a space, its value": swap('"tools/call"', '"tools/call "'),
    "method in full width, its value": swap('"tools/call"', '"\uff54ools/call"'),
    "another method in capitals": spelled(
        {**call(), "method": "LOGGING/setLevel", "params": {"level": "info"}}
    ),
    "another method with a space": spelled(
        {**call(), "method": "logging/setLevel ", "params": {"level": "info"}}
    ),
}

ACCOUNT = spelled(call("account", {"id": (1 << 53) + 1}))
INHERITED = spelled(call("files", {"__proto__": {"path": "/etc/passwd"}}))
SCRIPTED = {
    "a number that a double rounds": ACCOUNT,
    "a number that a double rounds, spaced": swap('"id":9', '"id": 9', ACCOUNT),
    "an inherited argument": INHERITED,
    "an inherited argument, escaped": swap("__proto__", "__pr\\u006fto__", INHERITED),
    "an inherited amount": spelled(call("pay", {"__proto__": {"amount": 1000}})),
    "an inherited method": swap('"method":"tools/call",', '"__proto__":{"method":"tools/call"},'),
    "NUL inside the tool": swap('"forbidden"', '"for\\u0000bidden"'),
}

SHAPES = {
    "batch": b"[" + PLAIN + b"]",
    "batch of two": b"[" + swap('"id":7', '"id":8', MILD) + b"," + PLAIN + b"]",
    "batch in a batch": b"[[" + PLAIN + b"]]",
    "batch behind white space": b" \t[" + PLAIN + b"]",
    "call without an id": swap('"id":7,', ""),
    "id null": swap('"id":7', '"id":null'),
    "id true": swap('"id":7', '"id":true'),
    "id fractional": swap('"id":7', '"id":7.5'),
    "id an object": swap('"id":7', '"id":{"$oid":7}'),
    "id a list": swap('"id":7', '"id":[7]'),
    "params a list": spelled({**call(), "params": ["forbidden", {}]}),
    "params a list of an object": spelled({**call(), "params": [{"name": "forbidden"}]}),
    "params a list of pairs": spelled({**call(), "params": [["name", "forbidden"], ["arguments", {}]]}),
    "params a string": spelled({**call(), "params": '{"name":"forbidden"}'}),
    "arguments a string": spelled(call("files", '{"path":"/etc/passwd"}')),
    "arguments a list": spelled(call("files", ["/etc/passwd"])),
    "arguments a list of an object": spelled(call("files", [{"path": "/etc/passwd"}])),
    "arguments a list of pairs": spelled(call("files", [["path", "/etc/passwd"]])),
    "method a list": spelled({**call(), "method": ["tools/call"]}),
    "request and result at once": spelled({**call(), "result": {}}),
    "request and error at once": spelled({**call(), "error": {"code": 1, "message": "x"}}),
    "no jsonrpc": swap('"jsonrpc":"2.0",', ""),
    "jsonrpc 1.0": swap('"2.0"', '"1.0"'),
    "jsonrpc a number": swap('"2.0"', "2.0"),
}

SYNTAX = {
    "NaN": swap('"arguments":{}', '"arguments":{"x":NaN}'),
    "Infinity": swap('"arguments":{}', '"arguments":{"x":-Infinity}'),
    "overflow": swap('"arguments":{}', '"arguments":{"x":1e400}'),
    "overflow as the amount": swap("1000", "1e400", PAY),
    "NaN as the amount of another": swap("1000", '1,"x":NaN,"amount":1000', PAY),
    "hexadecimal amount": swap("1000", "0x3e8", PAY),
    "amount with a plus": swap("1000", "+1000", PAY),
    "lone surrogate": swap('"arguments":{}', '"arguments":{"x":"\\ud800"}'),
    "lone surrogate in a member name": swap('"arguments":{}', '"arguments":{"\\udc00":1}'),
    "raw surrogate": swap('"arguments":{}', '"arguments":{"x":"\ud800"}'),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "byte order mark inside": PLAIN[:1] + b"\xef\xbb\xbf" + PLAIN[1:],
    "deep nesting": deep(200),
    "very deep nesting": deep(5_000),
    "deep nesting before the name": swap('"name"', '"a":' + "[" * 1100 + "]" * 1100 + ',"name"'),
    "trailing brace": PLAIN + b"}",
    "trailing word": PLAIN + b" x",
    "trailing NUL": PLAIN + b"\0",
    "leading NUL": b"\0" + PLAIN,
    "NUL inside": PLAIN[:1] + b"\0" + PLAIN[1:],
    "two documents": MILD + PLAIN,
    "two documents with a space": MILD + b" " + PLAIN,
    "a record separator": b"\x1e" + PLAIN,
    "two documents by a record separator": MILD + b"\x1e" + PLAIN,
    "two documents by NUL": MILD + b"\0" + PLAIN,
    "two documents by a line separator": MILD + "\u2028".encode() + PLAIN,
    "two documents by a form feed": MILD + b"\x0c" + PLAIN,
    "two documents by a next line": MILD + "\x85".encode() + PLAIN,
    "a length before it": b"Content-Length: %d" % len(PLAIN) + b"\r\n\r\n" + PLAIN,
    "trailing comma": PLAIN[:-1] + b",}",
    "comment": swap('"id"', '/* x */"id"'),
    "comment that hides another name": swap(
        '"name":"forbidden"', '"name":"open"/*,*/,/**/"name":"forbidden"'
    ),
    "single quotes": PLAIN.replace(b'"', b"'"),
    "bare member names": PLAIN.replace(b'"name"', b"name"),
    "raw control character": swap('"forbidden"', '"forbidden\x01"'),
    "raw CR as white space": swap("{}", '{"a":\r' + MILD.decode() + "\r}").replace(MILD, PLAIN),
    "raw CR around a second message": b'{"jsonrpc":"2.0","id":9,"method":"ping","params":\r' + PLAIN + b"\r}",
    "raw CR LF around a second message": b'{"jsonrpc":"2.0","id":9,"method":"ping","params":\r\n'
    + PLAIN
    + b"\r\n}",
    "line separator in a string": swap(
        '"arguments":{}', '"arguments":{"x":"\u2028' + PLAIN.decode().replace('"', '\\"') + '\u2028"}'
    ),
    "UTF-16 with a mark": PLAIN.decode().encode("utf-16"),
    "UTF-16 LE": PLAIN.decode().encode("utf-16-le"),
    "UTF-16 BE": PLAIN.decode().encode("utf-16-be"),
    "UTF-32": PLAIN.decode().encode("utf-32"),
    "UTF-8 overlong": PLAIN.replace(b"/call", b"\xc0\xafcall"),
    "UTF-8 broken in the name": PLAIN.replace(b"forbidden", b"forbid\xffden"),
    "Latin-1": PLAIN.replace(b"{}", b'{"x":"\xe9"}'),
    "gzip": gzip.compress(PLAIN, mtime=0),
    "a message inside a string": spelled(
        {**call("open"), "params": {"name": "open", "arguments": {}, "x": 1}}
    )[:-1]
    + b"}"
    + PLAIN,
}

HIDDEN_FROM_OURS = ("very deep nesting", "deep nesting before the name", "UTF-8 overlong")
"""Python's own readers do not get through these; others do."""

OTHERS = {
    "prompts/get": {"method": "prompts/get", "params": {"name": "secret"}},
    "prompts/get in full width": {"method": "prompts/get", "params": {"name": "\uff53ecret"}},
    "prompts/get with a space": {"method": "prompts/get", "params": {"name": "secret "}},
    "completion of a prompt": {
        "method": "completion/complete",
        "params": {"ref": {"type": "ref/prompt", "name": "secret"}, "argument": {"name": "a", "value": ""}},
    },
    "completion of a prompt, its members in capitals": {
        "method": "completion/complete",
        "params": {"ref": {"type": "ref/prompt", "Name": "secret"}, "argument": {"name": "a", "value": ""}},
    },
    "completion of a resource": {
        "method": "completion/complete",
        "params": {
            "ref": {"type": "ref/resource", "uri": "file:///etc/{f}"},
            "argument": {"name": "a", "value": ""},
        },
    },
    "resources/read": {"method": "resources/read", "params": {"uri": "file:///etc/passwd"}},
    "resources/subscribe": {"method": "resources/subscribe", "params": {"uri": "file:///etc/passwd"}},
    "subscriptions/listen": {
        "method": "subscriptions/listen",
        "params": {"notifications": {"resourceSubscriptions": ["file:///tmp/x", "file:///etc/passwd"]}},
    },
}

URIS = {
    "scheme in capitals": "FILE:///etc/passwd",
    "host localhost": "file://localhost/etc/passwd",
    "escaped letter": "file:///%65tc/passwd",
    "escaped slash": "file:///etc%2Fpasswd",
    "escaped twice": "file:///%2565tc/passwd",
    "dot segments": "file:///tmp/../etc/passwd",
    "escaped dot segments": "file:///tmp/%2e%2e/etc/passwd",
    "double slash": "file:////etc/passwd",
    "single slash": "file:/etc/passwd",
    "backslashes": "file:\\\\\\etc\\passwd",
    "space before": " file:///etc/passwd",
    "a tab inside": "fi\tle:///etc/passwd",
    "full width": "file:///\uff45tc/passwd",
    "a dot": "file:///./etc/passwd",
    "a host": "file://server/etc/passwd",
    "a user": "file://u@/etc/passwd",
    "a port": "file://localhost:80/etc/passwd",
}


def _raw(table: dict[str, bytes]) -> list[Attack]:
    return [Attack(name, body, shows=name not in HIDDEN_FROM_OURS) for name, body in table.items()]


def _method(name: str, body: dict[str, Any]) -> Attack:
    return Attack(name, spelled({"jsonrpc": "2.0", "id": 7, **body}))


def _uri(name: str, uri: str) -> Attack:
    body = {"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": uri}}
    return Attack(f"resources/read, {name}", spelled(body), shows=False)


JSON = ("Content-Type", "application/json")
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
}
MODERN = spelled({**call(), "params": {"name": "open", "arguments": {}, "_meta": MODERN_META}})
_VERSION = ("MCP-Protocol-Version", "2026-07-28")
_CALLS = ("Mcp-Method", "tools/call")


def _http(name: str, body: bytes = PLAIN, *headers: tuple[str, str], **more: Any) -> Attack:
    return Attack(name, body, headers or (JSON,), http_only=True, **more)


HTTP = [
    _http("gzip, said so", gzip.compress(PLAIN, mtime=0), JSON, ("Content-Encoding", "gzip")),
    _http("deflate, said so", zlib.compress(PLAIN), JSON, ("Content-Encoding", "deflate")),
    _http("a clean body under a content coding", MILD, JSON, ("Content-Encoding", "rot13"), shows=False),
    _http(
        "charset UTF-16",
        PLAIN.decode().encode("utf-16-le"),
        ("Content-Type", "application/json; charset=utf-16le"),
    ),
    _http(
        "charset UTF-7",
        swap("forbidden", "+AGY-orbidden"),
        ("Content-Type", "application/json; charset=utf-7"),
    ),
    _http("content type text/plain", PLAIN, ("Content-Type", "text/plain")),
    _http("content type missing", PLAIN, ("X-Nothing", "1")),
    _http("content type in capitals", PLAIN, ("Content-Type", "Application/JSON")),
    _http("content type twice", PLAIN, JSON, ("Content-Type", "text/plain")),
    _http("content type of a form", PLAIN, ("Content-Type", "application/x-www-form-urlencoded")),
    _http(
        "multipart",
        b"--b\r\nContent-Type: application/json\r\n\r\n" + PLAIN + b"\r\n--b--\r\n",
        ("Content-Type", "multipart/mixed; boundary=b"),
    ),
    _http("another Mcp-Name", MODERN, JSON, _VERSION, _CALLS, ("Mcp-Name", "forbidden")),
    _http("two Mcp-Name", MODERN, JSON, _VERSION, _CALLS, ("Mcp-Name", "open"), ("Mcp-Name", "forbidden")),
    _http(
        "another Mcp-Name in base64",
        MODERN,
        JSON,
        _VERSION,
        _CALLS,
        ("Mcp-Name", "=?base64?Zm9yYmlkZGVu?="),
        shows=False,
    ),
    _http(
        "another Mcp-Method", MODERN, JSON, _VERSION, ("Mcp-Method", "logging/setLevel"), ("Mcp-Name", "open")
    ),
    _http("another Mcp-Name, no version said", MILD, JSON, _CALLS, ("Mcp-Name", "forbidden")),
    _http(
        "another Mcp-Name, version in the header only",
        MILD,
        JSON,
        _VERSION,
        _CALLS,
        ("Mcp-Name", "forbidden"),
    ),
    _http("another Mcp-Method, no version said", MILD, JSON, ("Mcp-Method", "logging/setLevel")),
    _http("PUT", PLAIN, JSON, method="PUT"),
    _http("PATCH", PLAIN, JSON, method="PATCH"),
    _http("GET with a body", PLAIN, JSON, method="GET"),
    _http("DELETE with a body", PLAIN, JSON, method="DELETE"),
    _http("a slash behind the path", target="/mcp/"),
    _http("a slash before the path", target="//mcp"),
    _http("an escaped path", target="/%6dcp"),
    _http("the path in capitals", target="/MCP"),
    _http("a dot in the path", target="/./mcp"),
    _http("a way back in the path", target="/x/../mcp"),
    _http("an escaped way back in the path", target="/x/%2e%2e/mcp"),
    _http("a parameter in the path", target="/mcp;x=1"),
    _http("a query behind the path", target="/mcp?x=1"),
    _http("another path altogether", target="/other"),
    _http("the root", target="/"),
    _http("a server's own messages path", target="/messages/?session_id=1"),
]

ATTACKS = [
    Attack("plain", PLAIN),
    Attack("plain, an argument", FILES),
    Attack("plain, an amount", PAY),
    Attack("an edit that renames", spelled(call("harmless")), shows=False),
    *_raw(TWICE | LOOKALIKES | VALUES | SCRIPTED | SHAPES | SYNTAX),
    *(_method(name, body) for name, body in OTHERS.items()),
    *(_uri(name, uri) for name, uri in URIS.items()),
    *HTTP,
]
