"""The styles of the UI, read once for each set of colours."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class Sheet(Stylesheet):
    """Textual reads all its styles anew with every screen that is shown first, and five times at the start.

    What was read stays as it is while the variables are the same, and a sheet keeps that for itself.
    """

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
