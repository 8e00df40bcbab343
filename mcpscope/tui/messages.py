"""What screens tell the app: where to go and what to open. The app wires; it decides nothing else."""

from __future__ import annotations

from textual.message import Message


class GoTo(Message):
    """Show another screen."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class OpenExchange(Message):
    """Open one exchange in the detail screen, on a tab."""

    def __init__(self, exchange: int, tab: str = "Pretty") -> None:
        super().__init__()
        self.exchange = exchange
        self.tab = tab


class ShowExchange(Message):
    """Put the cursor of Traffic on an exchange."""

    def __init__(self, exchange: int) -> None:
        super().__init__()
        self.exchange = exchange


class ShowSessions(Message):
    """Show these sessions in Traffic; None follows what is live."""

    def __init__(self, sessions: tuple[int, ...] | None) -> None:
        super().__init__()
        self.sessions = sessions


class FilterBy(Message):
    """Filter Traffic by a text; ``add`` puts it behind the filter that is there."""

    def __init__(self, text: str, *, add: bool = True) -> None:
        super().__init__()
        self.text = text
        self.add = add


class Said(Message):
    """A screen said something to the person; the Log keeps it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ScreenReady(Message):
    """A screen is there and wants to know what to show."""

    def __init__(self, screen: object) -> None:
        super().__init__()
        self.screen = screen


class Wants(Message):
    """Something that every screen can ask for: help, prompt, palette, back, quit, suspend, undo ..."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what


class StartDemo(Message):
    """Start the demo and show it."""


class Replaying(Message):
    """A replay was started; it will have so many rows."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
