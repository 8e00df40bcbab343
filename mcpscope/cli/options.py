"""The one table of options: the wire's fast path reads it by hand, click is built from it.

Nothing is imported here: this module runs before the server is started.
"""

from __future__ import annotations


class Option:
    """One option: ``flags`` as typed, ``name`` as the key in parsed values.

    ``metavar`` empty makes it a switch; ``many`` collects a list; ``choices`` closes the words.
    """

    __slots__ = ("choices", "flags", "help", "many", "metavar", "name")

    def __init__(
        self,
        name: str,
        flags: tuple[str, ...],
        metavar: str,
        help: str,
        *,
        many: bool = False,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.flags = flags
        self.metavar = metavar
        self.help = help
        self.many = many
        self.choices = choices


Values = dict[str, "str | bool | list[str]"]

GLOBAL_OPTIONS = (
    Option("db", ("--db",), "PATH", "The database (default: $MCPSCOPE_DB, else in the state folder)."),
    Option("config", ("--config",), "FILE", "Read this configuration file."),
    Option("theme", ("--theme",), "NAME", "Colours of the terminal UI."),
    Option("ascii", ("--ascii",), "", "Draw with ASCII only."),
    Option("no_color", ("--no-color",), "", "No colours."),
    Option("json", ("--json",), "", "One JSON document on stdout; failures as one JSON line on stderr."),
    Option("quiet", ("-q", "--quiet"), "", "Say only what went wrong."),
    Option("verbose", ("-v", "--verbose"), "", "Say more on stderr."),
)

PROXY_OPTIONS = (
    Option("label", ("--label",), "NAME", "What to call this proxy (default: the command's name)."),
    Option("env", ("-e", "--env"), "KEY=VALUE", "Set a variable for the server.", many=True),
    Option("cwd", ("--cwd",), "DIR", "Start the server in this folder."),
    Option("record", ("--record",), "NAME", "Name this session's recording."),
    Option("no_record", ("--no-record",), "", "Relay only; keep nothing."),
    Option("no_ui", ("--no-ui",), "", "In a terminal, too: relay only, without opening the UI."),
    Option(
        "record_mode",
        ("--record-mode",),
        "MODE",
        "When recording fails: go on and count the gap, or forward nothing more.",
        choices=("best-effort", "required"),
    ),
    Option("durable", ("--durable",), "", "Sync each record to disk before it is forwarded."),
    Option("breaks", ("--break",), "FILTER", "Hold what matches while somebody is attached.", many=True),
    Option("intercept", ("--intercept",), "FILTER", "Hold every message that matches, in both directions."),
    Option("deny", ("--deny",), "FILTER", "Refuse what matches.", many=True),
    Option(
        "policy", ("--policy",), "FILE", "Enforce the rules of this file; the record is required.", many=True
    ),
    Option(
        "redact_key",
        ("--redact-key",),
        "NAME",
        "Record no value of a member of this name, a glob.",
        many=True,
    ),
    Option(
        "redact_path",
        ("--redact-path",),
        "PATH",
        "Record no value at this place: args.password, login:$.result.token, header:x-api-key.",
        many=True,
    ),
    Option("shadow", ("--shadow",), "", "Only record what the policy would do."),
    Option(
        "hide",
        ("--hide",),
        "GLOB",
        "Hide these tools, prompts and resources from clients; tool:, prompt: or resource: names one kind.",
        many=True,
    ),
    Option("only", ("--only",), "GLOB", "Let clients see no tools but these.", many=True),
    Option("rename", ("--rename",), "OLD=NEW", "Let clients see a tool under another name.", many=True),
    Option("describe", ("--describe",), "NAME=TEXT", "Give a tool another description.", many=True),
    Option(
        "fault",
        ("--fault",),
        "'FILTER FAULT'",
        "Make trouble: 'tool:search delay 2s jitter=1s probability=0.5 seed=7', error, timeout, …",
        many=True,
    ),
    Option(
        "on_drift",
        ("--on-drift",),
        "WORD",
        "What becomes of a tool that is not as it was accepted: told only, hidden, or its calls held.",
        choices=("pass", "hide", "hold"),
    ),
    Option(
        "detached",
        ("--detached",),
        "WORD",
        "What a breakpoint does while nobody is attached.",
        choices=("pass", "error", "wait"),
    ),
    Option(
        "watch",
        ("--watch",),
        "PATH",
        "Restart the server behind its client when this file, or one in this folder, has changed.",
        many=True,
    ),
    Option("client_timeout", ("--client-timeout",), "TIME", "When this client gives up: 60s, 2m."),
    Option("max_message", ("--max-message",), "SIZE", "The longest message that rules may see (4M)."),
    Option("otlp", ("--otlp",), "URL", "Send each call as a span to this OpenTelemetry collector."),
    Option(
        "max_body", ("--max-body",), "SIZE", "Keep at most this much of a message's body in the database."
    ),
)

HTTP_OPTIONS = (
    Option("host", ("--host",), "HOST", "Listen for HTTP clients on this address (default: 127.0.0.1)."),
    Option("port", ("--port",), "N", "Listen on this port (default: 7717); 0 picks one and says which."),
    Option("stdio", ("--stdio",), "", "Serve one client on stdin and stdout; the server is a URL."),
    Option(
        "transport",
        ("--transport",),
        "KIND",
        "How the server is spoken to, where its URL does not end in /mcp or /sse.",
        choices=("stdio", "http", "sse"),
    ),
    Option(
        "header",
        ("--header",),
        "'N: V'",
        "Add this header to every request to the server, in place of the client's own; V may hold "
        "${env:NAME}, ${file:PATH}, ${keyring:SERVICE/USER} or ${cmd:COMMAND}.",
        many=True,
    ),
    Option("allow_origin", ("--allow-origin",), "ORIGIN", "Let web pages of this origin in, too.", many=True),
    Option(
        "client_token",
        ("--client-token",),
        "T",
        "Clients must send this, as bearer or Mcpscope-Token.",
    ),
    Option("allow_remote", ("--allow-remote",), "", "Allow --host beyond loopback; needs --client-token."),
    Option("ca_file", ("--ca-file",), "FILE", "Trust these certificates for the server, not the system's."),
    Option("insecure", ("--insecure",), "", "Do not verify the server's certificate."),
    Option(
        "rewrite_oauth",
        ("--rewrite-oauth",),
        "",
        "Point the server's protected-resource metadata at this proxy, so that clients can log in.",
    ),
)

WRAP_OPTIONS = PROXY_OPTIONS + HTTP_OPTIONS + GLOBAL_OPTIONS


def wants_http(values: Values) -> bool:
    """Whether a wrapped server is to be put on HTTP, which the plain wire knows nothing of."""
    return any(option.name in values for option in HTTP_OPTIONS)


def parse_wrap(args: list[str]) -> tuple[Values, list[str]] | None:
    """Options and command of ``[proxy] [OPTIONS] -- COMMAND [ARGS…]``; None if ``args`` are anything else.

    What is nearly that (unknown option, missing value, no command) is None too: click says what is wrong.
    """
    try:
        end = args.index("--")
    except ValueError:
        return None
    head, command = args[:end], args[end + 1 :]
    if head and head[0] == "proxy":
        head = head[1:]
    values = read_options(head)
    if values is None or not command or not command[0]:
        return None
    return values, command


def read_options(head: list[str]) -> Values | None:
    """``head`` read by WRAP_OPTIONS; None if it holds a word or an option that is not in the table."""
    values: Values = {}
    rest = iter(head)
    for token in rest:
        flag, equals, given = (
            token.partition("=") if token.startswith("--") else (token[:2], token[2:], token[2:])
        )
        option = _find(flag)
        if option is None or (not option.metavar and equals):
            return None
        if not option.metavar:
            values[option.name] = True
            continue
        value = given if equals else next(rest, None)
        if value is None or (option.choices and value not in option.choices):
            return None
        if option.many:
            found = values.setdefault(option.name, [])
            assert isinstance(found, list)
            found.append(value)
        else:
            values[option.name] = value
    return values


def first_word(args: list[str]) -> int | None:
    """The index of the first argument that is neither an option of the table nor an option's value."""
    index = 0
    while index < len(args):
        token = args[index]
        if token == "--":
            return None
        if not token.startswith("-") or token == "-":
            return index
        flag, equals, _ = token.partition("=")
        option = _find(flag)
        index += 2 if option and option.metavar and not equals else 1
    return None


def _find(flag: str) -> Option | None:
    for option in WRAP_OPTIONS:
        if flag in option.flags:
            return option
    return None
