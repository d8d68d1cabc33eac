"""What a document holds for a test: its commands, files and links.

In a ```console block the lines that begin with "$ " are commands (which go on in the next line
after a backslash and within quotes) and the lines below are what they print: "…" stands for
anything within a line, a line of "…" alone for any lines. HTML comments, which no reader sees, say
the rest:

<!-- test: skip REASON -->   the block below is not run
<!-- test: fails -->         its last command ends with an error
<!-- test: file NAME -->     the block below is the content of that file
<!-- test: sql -->           the block below is run by the database's superuser
<!-- test: run COMMAND -->   what a person does beside the terminal, done here
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = "```"
_DIRECTIVE = re.compile(r"<!-- test: (skip|fails|file|sql|run)(?: (.+?))? -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r'!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"')
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


class Kind(StrEnum):
    COMMAND = "command"
    FILE = "file"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `text` is the command or the file's content, `name` the file's name."""

    kind: Kind
    line: int
    text: str
    name: str = ""
    shown: tuple[str, ...] = ()
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    line: int
    lines: tuple[str, ...]
    directives: tuple[tuple[str, str], ...]

    def directive(self, name: str) -> str | None:
        return dict(self.directives).get(name)


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def document_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> Iterator[Block | Step]:
    """The blocks in order, and the hidden commands between them as steps."""
    directives: list[tuple[str, str]] = []
    opened: tuple[int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if opened is not None:
            if line.strip() == FENCE:
                yield Block(opened[1], opened[0], tuple(inside), tuple(directives))
                opened, inside, directives = None, [], []
            else:
                inside.append(line)
        elif line.startswith(FENCE):
            opened = number, line.removeprefix(FENCE).strip()
        elif found := _DIRECTIVE.fullmatch(line.strip()):
            name, rest = found[1], found[2] or ""
            if name == "run":
                yield Step(Kind.COMMAND, number, rest)
            else:
                directives.append((name, rest))


def steps(path: Path) -> list[Step]:
    found: list[Step] = []
    for item in blocks(path):
        found += [item] if isinstance(item, Step) else _steps_of(item)
    return found


def _steps_of(block: Block) -> list[Step]:
    if block.directive("skip") is not None:
        return []
    text = "\n".join(block.lines) + "\n"
    if name := block.directive("file"):
        return [Step(Kind.FILE, block.line, text, name)]
    if block.directive("sql") is not None:
        return [Step(Kind.SQL, block.line, text)]
    return _commands(block) if block.language == "console" else []


def _commands(block: Block) -> list[Step]:
    """Each command with the lines that are shown below it."""
    found: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(block.lines, start=block.line + 1):
        if line.startswith("$ "):
            found.append((number, [line.removeprefix("$ ")], []))
        elif found and not found[-1][2] and _goes_on("\n".join(found[-1][1])):
            found[-1][1].append(line)
        else:
            assert found, f"{number}: a block begins with a command"
            found[-1][2].append(line)
    last = len(found) - 1
    fails = block.directive("fails") is not None
    return [
        Step(Kind.COMMAND, number, "\n".join(typed), "", tuple(shown), fails and place == last)
        for place, (number, typed, shown) in enumerate(found)
    ]


def _goes_on(typed: str) -> bool:
    """An open quote, or a backslash at the end."""
    try:
        shlex.split(typed)
    except ValueError:
        return True
    return False


def shows(shown: tuple[str, ...], printed: str) -> bool:
    """Whether the output has the shown lines, in order and without others in between."""
    lines = [line.rstrip() for line in shown if line.strip()]
    pattern = "".join(_pattern(line) for line in lines)
    tidy = "".join(line.rstrip() + "\n" for line in printed.splitlines() if line.strip())
    return re.search(rf"^{pattern}", tidy, re.MULTILINE) is not None


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.split("…"))) + r"\n"


def links(path: Path) -> list[str]:
    return _LINK.findall(_prose(path))


def images(path: Path) -> list[str]:
    return [markdown or html for markdown, html in _IMAGE.findall(_prose(path))]


def anchors(path: Path) -> set[str]:
    """As the usual renderers make them from the headings."""
    return {_anchor(heading) for heading in _HEADING.findall(_prose(path))}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _prose(path: Path) -> str:
    """Without the blocks, in which a bracket is no link."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def table(path: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head; back-ticks removed."""
    section = path.read_text().partition(f"# {heading}\n")[2]
    assert section, f"{document_id(path)} has no heading “{heading}”"
    lines = section.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        rows.append([cell.strip().replace("`", "").replace("\\|", "|") for cell in cells])
    return rows[2:]
