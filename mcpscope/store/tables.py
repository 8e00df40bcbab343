"""The SQL of the first version of the database: its tables, indexes and documented views."""

from __future__ import annotations

TABLES = (
    # One row: messages, notes and exchanges take their ids from here, inside the writing transaction,
    # so that `id > last` follows everything that several recorders commit.
    "CREATE TABLE sequence (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL)",
    "INSERT INTO sequence VALUES (1, 1)",
    """
    CREATE TABLE journals (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        segment INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        state BLOB,
        ended INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE partials (
        journal_id INTEGER NOT NULL REFERENCES journals(id) ON DELETE CASCADE,
        session INTEGER NOT NULL,
        dir INTEGER NOT NULL,
        stream INTEGER NOT NULL,
        piece INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (journal_id, session, dir, stream, piece)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        uid TEXT NOT NULL UNIQUE,
        journal TEXT,
        number INTEGER NOT NULL DEFAULT 1,
        label TEXT,
        name TEXT,
        note TEXT,
        command TEXT,
        url TEXT,
        client_transport TEXT,
        server_transport TEXT,
        client_name TEXT,
        client_version TEXT,
        server_name TEXT,
        server_version TEXT,
        revision TEXT,
        era TEXT,
        pid INTEGER,
        version TEXT,
        started_at INTEGER NOT NULL,
        last_at INTEGER,
        ended_at INTEGER,
        end_reason TEXT,
        exit_code INTEGER,
        record_mode TEXT,
        replay_of INTEGER REFERENCES sessions(id) ON DELETE SET NULL,
        lost_messages INTEGER NOT NULL DEFAULT 0,
        lost_bytes INTEGER NOT NULL DEFAULT 0,
        gaps INTEGER NOT NULL DEFAULT 0,
        messages INTEGER NOT NULL DEFAULT 0,
        exchanges INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        detail TEXT
    )
    """,
    "CREATE UNIQUE INDEX sessions_name ON sessions(name) WHERE name IS NOT NULL",
    "CREATE TABLE dictionaries (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    # Bodies lie in blocks: the messages of one session in one transaction, compressed together.
    """
    CREATE TABLE bodies (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        encoding INTEGER NOT NULL,
        dictionary_id INTEGER REFERENCES dictionaries(id),
        size INTEGER NOT NULL,
        data BLOB NOT NULL
    )
    """,
    "CREATE INDEX bodies_session ON bodies(session_id)",
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        exchange_id INTEGER,
        at INTEGER NOT NULL,
        dir TEXT NOT NULL,
        stream INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL,
        method TEXT,
        rpc_id TEXT,
        size INTEGER NOT NULL,
        body_id INTEGER,
        body_at INTEGER,
        kept INTEGER,
        sha256 BLOB,
        marks TEXT,
        fate TEXT,
        origin TEXT
    )
    """,
    "CREATE INDEX messages_session ON messages(session_id)",
    "CREATE INDEX messages_exchange ON messages(exchange_id) WHERE exchange_id != id",
    """
    CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
        outcome TEXT NOT NULL,
        actor TEXT,
        rule TEXT,
        at INTEGER NOT NULL,
        waited_ns INTEGER,
        bytes BLOB,
        detail TEXT,
        chain BLOB
    )
    """,
    "CREATE INDEX outcomes_message ON outcomes(message_id)",
    """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text BLOB NOT NULL,
        detail TEXT
    )
    """,
    "CREATE INDEX notes_session ON notes(session_id)",
    """
    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        dir TEXT,
        method TEXT,
        tool TEXT,
        name TEXT,
        rpc_id TEXT,
        status TEXT NOT NULL,
        code INTEGER,
        opened_at INTEGER NOT NULL,
        ended_at INTEGER,
        dur_ns INTEGER,
        request_id INTEGER,
        answer_id INTEGER,
        req_bytes INTEGER,
        res_bytes INTEGER,
        flags TEXT,
        parent_id INTEGER,
        legs INTEGER,
        summary TEXT,
        stream INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX exchanges_session ON exchanges(session_id)",
    "CREATE INDEX exchanges_method ON exchanges(method) WHERE method IS NOT NULL",
    "CREATE INDEX exchanges_tool ON exchanges(tool) WHERE tool IS NOT NULL",
    "CREATE INDEX exchanges_status ON exchanges(status)",
    "CREATE INDEX exchanges_parent ON exchanges(parent_id) WHERE parent_id IS NOT NULL",
    """
    CREATE TABLE definitions (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        message_id INTEGER,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        digest TEXT,
        body BLOB
    )
    """,
    "CREATE INDEX definitions_session ON definitions(session_id, kind, name)",
    """
    CREATE TABLE streams (
        session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        stream INTEGER NOT NULL,
        opened_at INTEGER,
        closed_at INTEGER,
        open TEXT,
        facts TEXT,
        close TEXT,
        PRIMARY KEY (session_id, stream)
    ) WITHOUT ROWID
    """,
)

STATES = """
    CREATE TABLE states (
        journal_id INTEGER NOT NULL REFERENCES journals(id) ON DELETE CASCADE,
        session INTEGER NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (journal_id, session)
    ) WITHOUT ROWID
"""

VIEWS = (
    """
    CREATE VIEW v_sessions AS
    SELECT id, uid, coalesce(name, label, command, url) AS title, name, label, command, url,
           client_name, client_version, server_name, server_version, revision, era,
           client_transport, server_transport, pid, record_mode, end_reason, exit_code,
           messages, exchanges, bytes, lost_messages, lost_bytes, gaps, note,
           strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1e9, 'unixepoch') AS started,
           strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1e9, 'unixepoch') AS ended,
           started_at, ended_at, last_at
    FROM sessions
    """,
    """
    CREATE VIEW v_messages AS
    SELECT m.id, m.session_id, m.exchange_id,
           strftime('%Y-%m-%dT%H:%M:%fZ', m.at / 1e9, 'unixepoch') AS time,
           m.at, m.dir, m.stream, m.kind, coalesce(m.method, e.method) AS method, m.rpc_id, m.size, m.marks,
           coalesce(m.fate, 'forwarded') AS fate, coalesce(m.origin, 'peer') AS origin
    FROM messages AS m LEFT JOIN exchanges AS e ON e.id = m.exchange_id
    """,
    """
    CREATE VIEW v_exchanges AS
    SELECT e.id, e.session_id,
           strftime('%Y-%m-%dT%H:%M:%fZ', e.opened_at / 1e9, 'unixepoch') AS time,
           e.kind, e.dir, e.method, e.tool, e.name, e.rpc_id, e.status, e.code,
           e.dur_ns / 1e6 AS dur_ms, e.req_bytes, e.res_bytes, e.flags, e.parent_id, e.legs, e.stream,
           e.summary, e.request_id, e.answer_id, e.opened_at, e.ended_at,
           s.label, s.client_name, s.server_name
    FROM exchanges AS e JOIN sessions AS s ON s.id = e.session_id
    """,
    """
    CREATE VIEW v_notes AS
    SELECT id, session_id, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e9, 'unixepoch') AS time,
           at, kind, CAST(text AS TEXT) AS text, detail
    FROM notes
    """,
    """
    CREATE VIEW v_outcomes AS
    SELECT o.id, m.session_id, o.message_id, m.exchange_id, o.outcome, o.actor, o.rule,
           o.waited_ns / 1e6 AS waited_ms, o.detail, o.at
    FROM outcomes AS o JOIN messages AS m ON m.id = o.message_id
    """,
)

# Contentless and without positions: an index of which trigrams a message has, see store.fulltext.
TEXTS = """
    CREATE VIRTUAL TABLE texts USING fts5 (
        text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
    )
"""
TEXTS_STATE = (
    "CREATE TABLE texts_state (one INTEGER PRIMARY KEY CHECK (one = 1), high INTEGER NOT NULL)",
    "INSERT INTO texts_state VALUES (1, 0)",
    "CREATE TABLE texts_always (exchange_id INTEGER PRIMARY KEY)",
)

SEALS = """
    CREATE TABLE seals (
        session_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        total INTEGER NOT NULL,
        entries BLOB NOT NULL,
        before BLOB NOT NULL,
        mac BLOB NOT NULL,
        PRIMARY KEY (session_id, number)
    ) WITHOUT ROWID
"""

PINS = """
    CREATE TABLE pins (
        label TEXT NOT NULL,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        body BLOB NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (label, name)
    )
"""
REPLAYS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        recording_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        revision INTEGER NOT NULL DEFAULT 0,
        session_name TEXT NOT NULL,
        target TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        state TEXT NOT NULL,
        pid INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        label TEXT NOT NULL,
        verdict TEXT NOT NULL,
        was_ns INTEGER,
        now_ns INTEGER,
        why TEXT NOT NULL,
        was TEXT,
        now TEXT,
        detail TEXT
    )
    """,
    "CREATE INDEX verdicts_run ON verdicts(run_id)",
    """
    CREATE TABLE revisions (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        masks TEXT NOT NULL,
        answers TEXT NOT NULL,
        maps TEXT NOT NULL,
        UNIQUE (recording_id, number)
    )
    """,
)
