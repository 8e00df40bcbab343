"""Expressions of every kind that is compiled, and values of every type to hold them against."""

from __future__ import annotations

from hypothesis import strategies as st

INT_MAX = (1 << 63) - 1
TEXTS = ["", "a", "ab", "B", "é", "ß", "🎈", "a\nb", "1", "-12", " 7", "1.5", "/etc/passwd"]
NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    INT_MAX,
    -INT_MAX - 1,
    (1 << 53) + 1,
    0.0,
    -0.0,
    1.0,
    1.5,
    -2.5,
    9007199254740992.0,
]
LITERALS = [
    *(
        "0",
        "1",
        "-1",
        "2",
        "9223372036854775807",
        "-9223372036854775808",
        "0.0",
        "-0.0",
        "1.0",
        "2.5",
        "1e300",
    ),
    *('"a"', '"ab"', '"é"', '""', "true", "false", "null", "9007199254740993", "9007199254740992.0"),
]
PATTERNS = ['"^a"', '"b$"', '"^/etc/"', '"[a-b]+"', '"(?i)B"', '"."', '"\\\\d"', '"é"', '"^$"']
PLACES = [
    "args.x",
    "args.y",
    "args.z",
    "args",
    "args.l",
    "args.m",
    "args.m.x",
    "args.l[0]",
    'args["x"]',
    "tool",
]

SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.integers(-INT_MAX - 1, INT_MAX),
    st.floats(), st.sampled_from(TEXTS),
    # The runtime reads a text to its first NUL.
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y", "a", "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ARGUMENTS = st.fixed_dictionaries(
    {}, optional={"x": SCALARS, "y": VALUES, "z": VALUES, "l": st.lists(VALUES, max_size=4), "m": VALUES}
)

COMPARED = ["==", "!=", "<", "<=", ">", ">="]
ADDED = ["+", "-", "*", "/", "%"]
MACROS = [
    *(
        "{l}.all(v, {b})",
        "{l}.exists(v, {b})",
        "{l}.exists_one(v, {b})",
        "{l}.map(v, {e})",
        "{l}.filter(v, {b})",
    ),
    *("{l}.map(v, {b}, {e})", "{l}.all(v, v.exists(w, w == v || {b}))", "{l}.map(v, {e}).size()"),
]
CALLS = [
    *("size({e})", "{e}.contains({f})", "{e}.startsWith({f})", "{e}.endsWith({f})", "{e}.lowerAscii()"),
    *("{e}.upperAscii()", "{e}.matches({p})", "int({e})", "double({e})", "string({e})", "dyn({e})"),
    *(
        "type({e}) == {t}",
        "has(args.x)",
        "has(args.m.x)",
        "has({e}.x)",
        "{e}.x",
        "{e}[{f}]",
        "{e}[0]",
        "-{e}",
    ),
    *(
        "{e} in {l}",
        "{e} in args.m",
        "{e} ? {f} : {e}",
        "{b} ? {e} : {f}",
        "[{e}, {f}]",
        "[{e}] + {l}",
        "!{e}",
    ),
]
TYPES = ["int", "double", "string", "bool", "list", "map", "null_type"]


def expressions() -> st.SearchStrategy[str]:
    """Texts of expressions, most of which compile; what they give is not always a truth value."""
    return st.recursive(st.sampled_from([*PLACES, *PLACES, *LITERALS, "v"]), _of, max_leaves=7)


def _of(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    truth = st.one_of(inner, _joined(inner, COMPARED))
    parts = {
        "e": inner, "f": inner, "b": truth, "p": st.sampled_from(PATTERNS), "t": st.sampled_from(TYPES),
        "l": st.one_of(inner, st.sampled_from(["args.l", "args.m", "args.y"])),
    }  # fmt: skip
    made = [_filled(template, parts) for template in (*CALLS, *MACROS)]
    logic = _joined(truth, ["&&", "||"])
    return st.one_of(_joined(inner, COMPARED), _joined(inner, ADDED), logic, logic, *made)


def _joined(inner: st.SearchStrategy[str], operators: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(operators), inner).map(lambda said: f"({' '.join(said)})")


def _filled(template: str, parts: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    used = {name: part for name, part in parts.items() if f"{{{name}}}" in template}
    return st.fixed_dictionaries(used).map(lambda said: f"({template.format(**said)})")
