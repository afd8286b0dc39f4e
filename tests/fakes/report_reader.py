"""Reads a page as a browser's parser does, for tests: elements, attributes, figures in tables."""

from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "img", "link", "input", "base"})


class PageReader(HTMLParser):
    """What a page holds, in document order.

    Attributes:
        elements: Name and attributes of each element.
        texts: Name of the enclosing element, and text, of each text.
        figures: The ``value`` of each ``data`` element inside a table.
        words: Texts marked hidden inside a table.
        unclosed: End tags that match no start tag.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.figures: list[str] = []
        self.words: list[str] = []
        self.unclosed: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        self.unclosed += [name for name, _ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, dict(attrs)))
        if tag == "data" and self._inside("table"):
            self.figures.append(dict(attrs)["value"] or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.unclosed.append(tag)
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        name, attrs = self._open[-1]
        self.texts.append((name, data))
        if attrs.get("class") == "hidden" and self._inside("table"):
            self.words.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of that name."""
        return [attrs for tag, attrs in self.elements if tag == name]

    def _inside(self, name: str) -> bool:
        return any(tag == name for tag, _ in self._open)
