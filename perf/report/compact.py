"""A page written as briefly as HTML allows: the same elements, attributes and words in fewer bytes.

A whole audit's page is more markup than text, and most of that says nothing: the end of a cell that
the next cell ends anyhow, quotes around a plain word, line breaks between rows. The rules are those
of the HTML standard on optional tags, and only those whose effect does not depend on the style
sheet. What is between tags is never touched where white space counts (`pre`, `style`, `title`).
Text is trusted to be escaped, as the templates escape it: every `<` begins a tag, and no `>` lies
within one.
"""

from __future__ import annotations

import re
from itertools import zip_longest

# Between these, white space is not shown.
_BLOCKS = (
    "article|body|caption|dd|desc|details|div|dl|dt|figcaption|figure|footer|g|h1|h2|h3|h4|head"
    "|header|html|li|line|link|main|meta|nav|ol|p|path|pre|rect|section|style|summary|svg|table"
    "|tbody|td|text|tfoot|th|thead|title|tr|ul"
)
_VERBATIM = frozenset({"style"})  # its hash is in the policy
_KEPT = re.compile(r"(<(pre|style|title)\b.*?</\2>)", re.DOTALL)
_SPACE_BEFORE = re.compile(rf"\s+(?=</?(?:{_BLOCKS})\b)")
_SPACE_AFTER = re.compile(rf"(</?(?:{_BLOCKS})\b[^>]*>)\s+")
_LINES = re.compile(r"(?=<(?:article|section|h2|tr class)\b)")  # so that two pages can be compared
_TEXT = re.compile(r"(?<=>)[^<]+")
_TAG = re.compile(r"<[a-z][^>]*\"[^>]*>")
_QUOTED = re.compile(r'="([^\s"\'=<>`]*[^\s"\'=<>`/])"')
_AFTER_P = "article|details|div|dl|figure|footer|h2|h3|h4|header|nav|ol|p|pre|section|table|ul"
# An end tag, and what may follow it for it to be left out: another part of the same whole, or the
# end of that whole.
_OPTIONAL = [
    (re.compile(rf"</(?:{ended})>(?=<(?:{following})\b)"))
    for ended, following in (
        ("td|th", "td|th|/tr|tr|/tbody|/thead|/tfoot|tbody|tfoot|/table"),
        ("tr", "tr|/tbody|/thead|/tfoot|tbody|tfoot|/table"),
        ("thead", "tbody|tfoot"),
        ("tbody|tfoot", "tfoot|/table"),
        ("li", "li|/ul|/ol"),
        ("dt|dd", "dt|dd|/dl|/div"),
        (
            "p",
            f"{_AFTER_P}|/article|/details|/div|/footer|/header|/li|/main|/section|/td",
        ),
    )
]


def compact(page: str) -> str:
    """Return the page without what every reader of HTML adds by itself."""
    parts = _KEPT.split(page)
    # Of three parts, the first is markup, the second holds white space, the third its tag's name.
    held = [
        part if name in _VERBATIM else _TEXT.sub(_unescaped, part)
        for part, name in zip(parts[1::3], parts[2::3], strict=True)
    ]
    markup = [_shorter(part) for part in parts[::3]]
    return "".join(piece for pair in zip_longest(markup, held, fillvalue="") for piece in pair)


def _shorter(markup: str) -> str:
    markup = _SPACE_AFTER.sub(r"\1", _SPACE_BEFORE.sub("", markup))
    for optional in _OPTIONAL:
        markup = optional.sub("", markup)
    markup = _TEXT.sub(_unescaped, _TAG.sub(_unquoted, markup))
    return _LINES.sub("\n", markup)


def _unescaped(text: re.Match[str]) -> str:
    return text[0].replace("&#39;", "'").replace("&#34;", '"')


def _unquoted(tag: re.Match[str]) -> str:
    text = _QUOTED.sub(r"=\1", tag[0])
    # A slash next to a value would be part of it.
    return f"{text[:-2].rstrip()} />" if text.endswith("/>") and text[-3] != '"' else text
