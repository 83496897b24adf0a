#!/usr/bin/env python3
"""Checks the text of the tree: columns, comments in plain English, ends of lines, links between documents.

Prints one line for each finding, as FILE:LINE: MESSAGE, and exits with 1 where there is one.
"""

import re
import subprocess
import sys
from pathlib import Path

COLUMNS = 120
# The share of lines that may have a sentence that begins with a free relative ("What the kernel drops…").
FREE_RELATIVES = 0.001

RELATIVES = r"(What|Who|Whose|Where|Whether|Why|How|Which|Whatever|Whoever|Wherever)"
# Questions are allowed.
IN_COMMENT = re.compile(rf"(?:^\s*//+\s*(?:- )?|[.!] ){RELATIVES}\b(?!.*\?)")
IN_PROSE = re.compile(rf"(?:^\s*(?:[-*] |\| )?(?:\*\*)?|[.!] |\| ){RELATIVES}\b(?!.*\?)")
IN_TITLE = re.compile(rf'(?:@Test\(|^ +)"{RELATIVES} \w+ ')
COMMENT = re.compile(r"^\s*//")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$")


def tracked(*patterns):
    names = subprocess.run(["git", "ls-files", "-z", *patterns], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and Path(name).is_file()]


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")


def long_lines():
    """Lines of code and prose beyond the limit. Recorded inputs of tests are no code; a row of a table is one line."""
    for path in tracked("*.swift", "*.h", "*.c", "*.sh", "*.py", "*.md", ".ci/run"):
        for number, line in enumerate(lines(path), 1):
            if len(line) > COLUMNS and not (path.suffix == ".md" and line.startswith("|")):
                yield f"{path}:{number}: {len(line)} columns, {COLUMNS} are allowed"


def free_relatives():
    """Sentences that begin with a free relative, in comments, documents and titles of tests, if they are too many."""
    texts, found = 0, []

    def look(path, number, line, pattern):
        if match := pattern.search(line):
            found.append(f"{path}:{number}: a sentence begins with {match[1]}: begin with the subject")

    for path in tracked("Sources/*.swift", "Tests/*.swift", "Sources/*.h", "Sources/*.c"):
        for number, line in enumerate(lines(path), 1):
            if COMMENT.match(line):
                texts += 1
                look(path, number, line, IN_COMMENT)
            elif path.parts[0] == "Tests":
                look(path, number, line, IN_TITLE)
    for path in tracked("*.md"):
        # A form asks its questions in this way.
        if path.parts[0] == ".github":
            continue
        for number, line in enumerate(lines(path), 1):
            if not line.startswith(("#", "    ")):
                texts += 1
                look(path, number, line, IN_PROSE)
    if len(found) > FREE_RELATIVES * texts:
        yield from found
        yield f"{len(found)} of {texts} lines of prose begin a sentence so, {FREE_RELATIVES:.1%} may"


def line_ends():
    """Texts split at "\\n": in Swift "\\r\\n" is one Character, so a file with such line ends would be one line."""
    for path in tracked("Sources/*.swift"):
        for number, line in enumerate(lines(path), 1):
            if 'split(separator: "\\n"' in line:
                yield f"{path}:{number}: split(whereSeparator: \\.isNewline) takes lines that end with \\r\\n too"


def anchor(heading):
    """The anchor that forges give a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path):
    found, fenced = set(), False
    for line in lines(path):
        fenced ^= line.startswith("```")
        if not fenced and (match := HEADING.match(line)):
            name, count = anchor(match[1]), 0
            while (unique := f"{name}-{count}" if count else name) in found:
                count += 1
            found.add(unique)
    return found


def broken_links():
    """Links between documents whose file or heading does not exist. Links to other hosts are not followed."""
    for path in tracked("*.md"):
        fenced = False
        for number, line in enumerate(lines(path), 1):
            fenced ^= line.startswith("```")
            if fenced or line.startswith("    "):
                continue
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, heading = target.partition("#")
                file = (path.parent / name).resolve() if name else path.resolve()
                if not file.exists():
                    yield f"{path}:{number}: {target} does not exist"
                elif heading and file.suffix == ".md" and heading not in anchors(file):
                    yield f"{path}:{number}: {target}: no such heading"


def main():
    found = [finding for check in (long_lines, free_relatives, line_ends, broken_links) for finding in check()]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
