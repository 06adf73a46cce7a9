"""Read a report back, as a browser and a careful reader would: tags, headings, tables, images."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Table:
    heading: str
    columns: list[str] = field(default_factory=list[str])
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class Page(HTMLParser):
    """The parts of one page; tags that are not closed in order are in `faults`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.declarations: list[str] = []
        self.headings: list[str] = []
        self.tables: list[Table] = []
        self.terms: dict[str, str] = {}
        self.words: list[str] = []
        self._open: list[str] = []
        self._cells: list[str] = []
        self._term = ""
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    @property
    def text(self) -> str:
        """All visible text, blanks collapsed."""
        return " ".join(" ".join(self.words).split())

    def table(self, heading: str) -> Table:
        """Return the one table under a heading."""
        found = [table for table in self.tables if table.heading == heading]
        assert len(found) == 1, f"{len(found)} tables under '{heading}'"
        return found[0]

    @property
    def images(self) -> list[tuple[str, bytes]]:
        """Text and bytes of each image; every one must carry its own data."""
        prefix = "data:image/png;base64,"
        found: list[tuple[str, bytes]] = []
        for _, attributes in (item for item in self.tags if item[0] == "img"):
            source = attributes["src"] or ""
            assert source.startswith(prefix), source[:60]
            found.append((attributes["alt"] or "", base64.b64decode(source.removeprefix(prefix), validate=True)))
        return found

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append(Table(self.headings[-1]))
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th", "dt", "dd", "h1", "h2", "h3"):
            self._cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self._open[-1:]}")
            return
        self._open.pop()
        if tag in ("h1", "h2", "h3"):
            self.headings.append(self._cells.pop().strip())
        elif tag == "dt":
            self._term = self._cells.pop().strip()
        elif tag == "dd":
            self.terms[self._term] = " ".join(self._cells.pop().split())
        elif tag == "tr":
            table = self.tables[-1]
            if table.columns:
                table.rows.append(dict(zip(table.columns, map(str.strip, self._cells), strict=True)))
            else:
                table.columns = [cell.strip() for cell in self._cells]
            self._cells = []

    def handle_data(self, data: str) -> None:
        if "style" in self._open or "title" in self._open:
            return
        self.words.append(data)
        if self._cells:
            self._cells[-1] += data
