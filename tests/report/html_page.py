"""A page taken apart for the tests: its tags, attributes and text, and whether they balance."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


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
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"{tag} closed at line {self.getpos()[0]} while open: {self._open}")
        else:
            self._open.pop()

    def handle_data(self, data):
        for tag in set(self._open):
            self.texts[tag] = self.texts.get(tag, "") + data

    def values(self, name):
        """Return the values of every attribute of that name."""
        return [value for _, found, value in self.attributes if found == name]
