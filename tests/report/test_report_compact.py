"""The page in fewer bytes: what a reader of HTML makes of it is what the templates wrote."""

from html.parser import HTMLParser

import pytest
from html_page import Page

from perf.report.compact import compact


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("<tr>\n<td>1</td> <td>2</td>\n</tr>\n<tr>", "<tr><td>1<td>2<tr>"),
        ("<ul><li>a</li>\n<li>b</li></ul>", "<ul><li>a<li>b</ul>"),
        ("<dl><dt>n</dt><dd>1</dd></dl>", "<dl><dt>n<dd>1</dl>"),
        ("<p>a</p>\n<p>b</p>\n<em>c</em>", "<p>a<p>b</p><em>c</em>"),
        ('<a href="#D1.a" class="b c">', '<a href=#D1.a class="b c">'),
        ('<a href="folder/">', '<a href="folder/">'),
        ('<rect width="1"/>', "<rect width=1 />"),
        ('<b title="a=b">', '<b title="a=b">'),
        ("<b>a</b> <i>b</i>", "<b>a</b> <i>b</i>"),
        ("<b>it&#39;s &lt;b&gt;</b>", "<b>it's &lt;b&gt;</b>"),
        ("<pre>a\n <b> b</b>\n</pre>", "<pre>a\n <b> b</b>\n</pre>"),
        ("<style>a > b { }\n\n</style>", "<style>a > b { }\n\n</style>"),
    ],
)
def test_only_what_says_nothing_is_left_out(long, short):
    """Ends that the next tag implies, quotes around a word, space between blocks: no more."""
    assert compact(long) == short


def test_escaped_text_stays_text():
    """What was escaped in text or in an attribute begins no tag afterwards."""
    page = Page(compact('<p title="&#34; onclick=&#34;x">&lt;script&gt; &#34;&#39;</p>'))
    assert page.tags == ["p"]
    assert page.attributes == [("p", "title", '" onclick="x')]


def test_every_attribute_survives():
    """Unquoted or not, values are the same."""

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, attrs))

    read = []
    text = '<a href="a/b.json" id="x"><svg viewBox="0 0 1 1"><path d="m1 2v.1"/></svg></a>'
    for page in (text, compact(text)):
        found = []
        Reader().feed(page)
        read.append(found)
    assert read[0] == read[1]
