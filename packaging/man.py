#!/usr/bin/env python3
"""Writes manual pages of section 1 from a command's own help.

    devtunnel --experimental-dump-help | man.py FOLDER

devtunnel.1 describes the program, devtunnel-VERB.1 each verb that the help shows. SOURCE_DATE_EPOCH is the date of the
pages.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

GLOBAL = "Global options"
HEADING = re.compile(r"([A-Z][A-Z ]+):$")


def escaped(text):
    """Returns the text such that roff prints every character of it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace('"', "\\(dq").replace("'", "\\(aq")
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def bold(text):
    return f"\\fB{escaped(text)}\\fP"


def italic(text):
    return f"\\fI{escaped(text)}\\fP"


def paragraphs(text):
    """Returns the roff lines of a discussion: paragraphs, and lines such as "EXAMPLES:" with indented lines below."""
    lines = []
    is_verbatim = False
    for line in text.split("\n"):
        heading = HEADING.match(line)
        indented = line.startswith("  ")
        if is_verbatim and not indented:
            lines.append(".fi")
            is_verbatim = False
        if heading:
            lines.append(f'.SH "{heading[1]}"')
        elif not line.strip():
            lines.append(".PP")
        elif indented:
            if not is_verbatim:
                lines.append(".nf")
                is_verbatim = True
            lines.append(escaped(line[2:]))
        else:
            lines.append(escaped(line))
    if is_verbatim:
        lines.append(".fi")
    return lines


def name(one):
    return ("-" if one["kind"] in ("short", "longWithSingleDash") else "--") + one["name"]


def value(argument):
    return argument.get("valueName", "value")


def term(argument):
    """Returns an argument as the first line of its description."""
    if argument["kind"] == "positional":
        return italic(value(argument))
    names = ", ".join(bold(name(one)) for one in argument["names"])
    return names if argument["kind"] == "flag" else f"{names} {italic(value(argument))}"


def described(argument):
    default = argument.get("defaultValue")
    text = argument.get("abstract", "")
    # A default of 0 is explained in words; a flag with a default is one of a pair.
    if default and default != "0" and "default" not in text:
        text += f" Default: {default}."
    return [".TP", term(argument), escaped(text)]


def synopsis(words, command, arguments):
    parts = [bold(" ".join(words))]
    if any(one["kind"] != "positional" for one in arguments):
        parts.append("[" + italic("options") + "]")
    if visible(command.get("subcommands", [])):
        parts.append(italic("verb") + " …")
    for one in arguments:
        if one["kind"] != "positional":
            continue
        part = italic(value(one)) + (" …" if one["isRepeating"] else "")
        if one["parsingStrategy"] == "postTerminator":
            part = bold("--") + " " + part
        parts.append(f"[{part}]" if one["isOptional"] else part)
    return " ".join(parts)


def visible(items):
    return [one for one in items if one.get("shouldDisplay", True) and one.get("commandName") != "help"]


def sections(arguments):
    """Returns pairs of a title and its arguments, in the order of their first arguments."""
    result = {}
    for one in arguments:
        title = "ARGUMENTS" if one["kind"] == "positional" else one.get("sectionTitle", "options").upper()
        result.setdefault(title, []).append(one)
    return result.items()


def page(words, command, version, date, verbs):
    title = "-".join(words)
    abstract = command.get("abstract", "").rstrip(".")
    everything = visible(command.get("arguments", []))
    own = [one for one in everything if one.get("sectionTitle") != GLOBAL or len(words) == 1]
    lines = [
        "'\\\" -*- coding: UTF-8 -*-",
        f'.TH "{escaped(title.upper())}" 1 "{date}" "{escaped(version)}" "User Commands"',
        ".SH NAME",
        f"{escaped(title)} \\- {escaped(abstract)}",
        ".SH SYNOPSIS",
        synopsis(words, command, everything),
        ".SH DESCRIPTION",
        escaped(abstract + "."),
    ]
    discussion = command.get("discussion", "")
    text, separator, rest = discussion.partition("EXAMPLES:")
    lines += [".PP", *paragraphs(text.rstrip())] if text.strip() else []
    for section, arguments in sections(own):
        lines.append(f'.SH "{escaped(section)}"')
        for one in arguments:
            lines += described(one)
    if len(own) < len(everything):
        lines += [".PP", f"The global options of {bold('devtunnel')}(1) may precede or follow the verb."]
    if verbs:
        lines.append('.SH "VERBS"')
        for one in verbs:
            lines += [".TP", bold(f"{title}-{one['commandName']}") + "(1)", escaped(one.get("abstract", ""))]
    lines += paragraphs(separator + rest)
    others = [] if len(words) == 1 else [bold("devtunnel") + "(1)"]
    return lines + ([".SH \"SEE ALSO\"", *others] if others else [])


def main():
    folder = Path(sys.argv[1])
    command = json.load(sys.stdin)["command"]
    program = command["commandName"]
    version = os.environ.get("DEVTUNNEL_VERSION", program)
    date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    verbs = visible(command.get("subcommands", []))
    pages = {program: page([program], command, version, date, verbs)}
    for verb in verbs:
        words = [program, verb["commandName"]]
        pages["-".join(words)] = page(words, verb, version, date, [])
    for title, lines in pages.items():
        (folder / f"{title}.1").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
