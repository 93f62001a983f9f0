"""A page taken apart for the tests: its tags, attributes and text, and whether they balance."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}

# By the HTML standard, what begins ends these where they are open; and a whole ends its parts.
_CELLS = {"td", "th"}
_PARTS = {
    "td": _CELLS,
    "th": _CELLS,
    "tr": {*_CELLS, "tr"},
    "tbody": {*_CELLS, "tr", "thead"},
    "tfoot": {*_CELLS, "tr", "tbody"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
} | {
    block: {"p"}
    for block in (
        *("article", "details", "div", "dl", "figure", "footer", "h2", "h3", "h4", "header"),
        *("nav", "ol", "p", "pre", "section", "table", "ul"),
    )
}
_WHOLES = {
    "table": {*_CELLS, "tr", "tbody", "tfoot"},
    "thead": {*_CELLS, "tr"},
    "ul": {"li"},
    "ol": {"li"},
    "dl": {"dt", "dd"},
    "div": {"dt", "dd", "p"},
} | {
    block: {"p"}
    for block in ("article", "details", "footer", "header", "li", "main", "section", "td")
}


class Page(HTMLParser):
    """Collects what a page holds; `faults` names each tag that is not closed where it should be."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags = []
        self.attributes = []
        self.texts = {}
        self.faults = []
        self._open = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._end(_PARTS.get(tag, ()))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        self._end(_WHOLES.get(tag, ()))
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"{tag} closed at line {self.getpos()[0]} while open: {self._open}")
        else:
            self._open.pop()

    def handle_data(self, data):
        for tag in set(self._open):
            self.texts[tag] = self.texts.get(tag, "") + data

    def _end(self, parts):
        while self._open and self._open[-1] in parts:
            self._open.pop()

    def values(self, name):
        """Return the values of every attribute of that name."""
        return [value for _, found, value in self.attributes if found == name]
