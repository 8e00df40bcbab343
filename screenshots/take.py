"""Takes the pictures of README: the UI over the demo's frozen recording; ``make screenshots``."""

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


async def main() -> None:
    """Take every picture, or those named on the command line."""
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "demo.db"
        build(db, seed=1)
        for picture in PICTURES:
            if len(sys.argv) < 2 or picture.name in sys.argv[1:]:
                await take(picture, db)
                print(f"screenshots/{picture.name}.svg")


if __name__ == "__main__":
    asyncio.run(main())
