"""Where shells differ: bash cuts words at ``:`` and ``=``, fish wants the whole of ``--option=value``."""

from __future__ import annotations

import os
import re
from typing import ClassVar

from click.shell_completion import BashComplete, CompletionItem, FishComplete, add_completion_class
from click.shell_completion import split_arg_string as words_of

_SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' type value cut
    local line="${COMP_LINE:0:COMP_POINT}"
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case "$type" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_WORDS="$line" COMP_CWORD="$COMP_CWORD" COMP_CUT="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
    if [[ "${COMPREPLY[*]}" == *: ]]; then
        compopt -o nospace
    fi
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_QUOTED = re.compile(r"""(?:^|\s)(['"])(?:(?!\1).)*$""")


class BashWords(BashComplete):
    """Takes the line as it is typed; gives back what stands behind the last sign that bash cuts at."""

    source_template: ClassVar[str] = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        words, last = self._typed()
        return words[1:], last

    def format_completion(self, item: CompletionItem[str]) -> str:
        kind, _, value = super().format_completion(item).partition(",")
        return f"{kind},{value.removeprefix(self._kept())}"

    @staticmethod
    def _typed() -> tuple[list[str], str]:
        """The whole words, and the one that is being typed."""
        line = os.environ["COMP_WORDS"]
        words = words_of(line)
        if not words or (line[-1:].isspace() and not _QUOTED.search(line)):
            return words, ""
        return words[:-1], words[-1]

    def _kept(self) -> str:
        """What of the word stays as it is: bash puts the reply behind it."""
        line = os.environ["COMP_WORDS"]
        if _QUOTED.search(line):
            return ""
        last = self._typed()[1]
        cut = max((last.rfind(sign) for sign in ":=" if sign in os.environ.get("COMP_CUT", "")), default=-1)
        return last[: cut + 1]


class FishWords(FishComplete):
    """Gives back ``--option=value`` where ``--option=`` was typed already."""

    def format_completion(self, item: CompletionItem[str]) -> str:
        option, equals, _ = self.get_completion_args()[1].partition("=")
        if option.startswith("--") and equals and not item.value.startswith("--"):
            item = CompletionItem(f"{option}={item.value}", item.type, item.help)
        return super().format_completion(item)


def register() -> None:
    """Make them click's own ways to speak to these shells."""
    add_completion_class(BashWords, "bash")
    add_completion_class(FishWords, "fish")
