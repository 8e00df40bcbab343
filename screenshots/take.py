"""Takes the pictures of README: the UI over the demo's frozen recording, and over a call that is held.

``make screenshots``
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
os.environ.pop("NO_COLOR", None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"

from mcpscope.demo.frozen import BEGAN_NS, build  # noqa: E402  # the path and the terminal come first
from mcpscope.tui.app import Options, ScopeApp  # noqa: E402
from mcpscope.tui.clock import Clock  # noqa: E402
from mcpscope.tui.start import make_app  # noqa: E402
from tests.tui.stage import Stage, set_times, soon  # noqa: E402

REST_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Picture:
    """``keys`` are pressed in turn; the session is one of the demo's two."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...]
    session: str = "demo"
    theme: str = "mcpscope-dark"


PICTURES = (
    Picture("traffic", (120, 40), ("g", "j", "j", "j", "j", "j", "j")),
    Picture("waterfall", (200, 50), ("g", *"j" * 6)),
    Picture("filter", (80, 24), ("slash", *"tool:")),
    Picture("detail", (120, 40), ("g", *"j" * 8, "enter", "tab")),
    Picture("schema", (120, 40), ("g", *"j" * 7, "enter", *("right_square_bracket",) * 3)),
    Picture("frames", (120, 40), ("t",)),
    Picture("tools", (120, 40), ("3", "j", "j")),
    Picture("recordings", (120, 40), ("4",)),
    Picture("findings", (120, 24), ("8", "down", "up")),
    Picture("stats", (120, 30), ("9", "down", "up")),
    Picture("help", (80, 24), ("question_mark",)),
    Picture("light", (80, 24), (), theme="mcpscope-light"),
)


async def take(picture: Picture, db: Path) -> None:
    """Run the UI without a terminal, press the keys, write the SVG."""
    options = Options(theme=picture.theme, session=picture.session, watch=False)
    app: ScopeApp = make_app(db, options=options, clock=Clock(UTC, BEGAN_NS + 120 * 10**9))
    async with app.run_test(size=picture.size) as pilot:
        await asyncio.sleep(3 * REST_SECONDS)
        for key in picture.keys:
            await pilot.press(key)
            await asyncio.sleep(REST_SECONDS if len(key) > 1 else 0)
        await asyncio.sleep(2 * REST_SECONDS)
        await pilot.pause()
        svg = app.export_screenshot(title="mcpscope")
    (HERE / f"{picture.name}.svg").write_text(svg, encoding="utf-8")


POLICY = """version: 1
rules:
  - {name: no deletes under etc, match: "tool:delete_* args.path~^/etc", action: deny, message: not there}
  - {name: refunds need a person, match: "tool:create_refund", when: args.amount > 100, action: ask}
  - {name: small searches, match: "tool:search_docs args.limit>50", action: edit, set: {args.limit: 50}}
  - {name: slow charts, match: "tool:render_*", action: delay, for: 2s, enabled: false}
"""


async def take_held(folder: Path) -> None:
    """A call that is held: in Traffic, and in the editor."""
    stage = Stage(folder, "--break", "tool:search_docs", "--detached", "wait")
    stage.asks("tools/call", name="render_chart", arguments={"values": [3, 5, 8]})
    stage.asks("tools/call", name="delete_file", arguments={"path": "/srv/handbook/old.txt"})
    stage.calls("search_docs", query="retention policy", limit=5)
    stage.settle(5)
    app = stage.app()
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await soon(lambda: app.steer.holds() and app.scope.shown)
            set_times(app, 22)
            await asyncio.sleep(4 * REST_SECONDS)
            await pilot.press("G")
            await asyncio.sleep(3 * REST_SECONDS)
            _write("hold", app)
            await pilot.press("exclamation_mark", "e")
            await asyncio.sleep(2 * REST_SECONDS)
            app.screen.area.text = '{\n  "query": "retention policy 2026",\n  "limit": 500\n}'
            await asyncio.sleep(2 * REST_SECONDS)
            _write("edit", app)
    finally:
        stage.close()


async def take_rules(folder: Path) -> None:
    """A policy in force, a breakpoint beside it."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    stage = Stage(folder, "--policy", str(policy), "--break", "tool:render_*")
    for path in ("/etc/passwd", "/srv/handbook/old.txt"):
        stage.asks("tools/call", name="delete_file", arguments={"path": path})
    stage.asks("tools/call", name="search_docs", arguments={"query": "quota", "limit": 500})
    stage.settle(7)
    app = stage.app(screen="rules")
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await soon(lambda: app.steer.links and app.steer.links[0].rules and app.scope.shown)
            link = app.steer.links[0]
            link.look = lambda: None  # type: ignore[method-assign]  # nothing new comes: the path shall stay
            await app.steer.ask(link, "scope/status")  # what was asked before is answered
            link.policy = {**link.policy, "files": ["/srv/policy.yaml"]}
            await pilot.press("j")
            await asyncio.sleep(4 * REST_SECONDS)
            app.heeding.heed([])
            await asyncio.sleep(2 * REST_SECONDS)
            _write("rules", app)
    finally:
        stage.close()


def _write(name: str, app: ScopeApp) -> None:
    (HERE / f"{name}.svg").write_text(app.export_screenshot(title="mcpscope"), encoding="utf-8")
    print(f"screenshots/{name}.svg")


async def main() -> None:
    """Take every picture, or those named on the command line."""
    for name, live in (("hold", take_held), ("rules", take_rules)):
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as folder:
                await live(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "demo.db"
        build(db, seed=1)
        for picture in PICTURES:
            if len(sys.argv) < 2 or picture.name in sys.argv[1:]:
                await take(picture, db)
                print(f"screenshots/{picture.name}.svg")


if __name__ == "__main__":
    asyncio.run(main())
