#!/usr/bin/env python3
"""Writes freshet(1) from what the program says of its own commands.

    freshet --experimental-dump-help | deploy/manual.py [VERSION] > freshet.1
"""
import json
import re
import sys


def escape(text):
    """Text as roff takes it: no line of it begins a request, and hyphens are hyphens."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in lines)


def flow(text):
    """Prose whose sections have headlines in capitals: what is indented below one stays as it is."""
    out = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if re.fullmatch(r"[A-Z][A-Z -]+", lines[0].strip()):
            out += [".PP", f".B {escape(lines[0].strip().capitalize())}"]
            lines = lines[1:]
        else:
            out.append(".PP")
        if any(line.startswith("  ") for line in lines):
            out += [".RS", ".nf"]
            for line in (line[2:] if line[:2] == "  " else line for line in lines):
                # What is longer than any terminal is prose.
                out += [".fi", escape(line), ".nf"] if len(line) > 120 else [escape(line)]
            out += [".fi", ".RE"]
        else:
            out.append(escape("\n".join(line.strip() for line in lines)))
    return "\n".join(out)


def spelled(argument):
    names = [("--" if name["kind"] == "long" else "-") + name["name"] for name in argument.get("names", [])]
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return f"<{value}>" + (" ..." if argument["isRepeating"] else "")
    if argument["kind"] == "option":
        return ", ".join(names) + f" <{value}>"
    return ", ".join(names)


def usage(path, command):
    parts = []
    for argument in command.get("arguments", []):
        if not argument["shouldDisplay"] or spelled(argument) in ("--version", "-h, --help"):
            continue
        text = spelled(argument)
        parts.append(f"[{text}]" if argument["isOptional"] else text)
    return " ".join([path] + parts)


def write(path, command, out):
    subcommands = [sub for sub in command.get("subcommands", []) if sub["commandName"] != "help"]
    if path != "freshet":
        out += [f".SS {escape(path)}", escape(command.get("abstract", ""))]
        if not subcommands:
            out += [".PP", ".nf", f".B {escape(usage(path, command))}", ".fi"]
        if command.get("discussion"):
            out.append(flow(command["discussion"]))
        for argument in command.get("arguments", []):
            if not argument["shouldDisplay"] or spelled(argument) in ("--version", "-h, --help"):
                continue
            words = argument.get("abstract", "")
            if argument.get("allValues"):
                words += f" One of: {', '.join(argument['allValues'])}."
            if argument.get("defaultValue"):
                words += f" Default: {argument['defaultValue']}."
            out += [".TP", f".B {escape(spelled(argument))}", escape(words.strip()) or "\\&"]
    for sub in subcommands:
        write(f"{path} {sub['commandName']}", sub, out)


def main():
    command = json.load(sys.stdin)["command"]
    version = sys.argv[1] if len(sys.argv) > 1 else ""
    out = [
        f'.TH FRESHET 1 "" "freshet {version}" "User commands"', ".SH NAME",
        f"freshet \\- {escape(command['abstract'][0].lower() + command['abstract'][1:].rstrip('.'))}", ".SH SYNOPSIS",
        ".B freshet", ".I command", "[options]", ".SH DESCRIPTION",
        "A daemon that learns recommendations from a live stream of ratings and clicks, and answers in the same moment, on a",
        "Unix socket that speaks Redis's protocol and over HTTP. All commands but",
        ".B freshet serve", "talk to it or work on files.", flow(command["discussion"]), ".SH COMMANDS",
    ]
    write("freshet", command, out)
    out += [
        ".SH ENVIRONMENT", ".TP", ".B FRESHET_...",
        "Each key of the configuration, in capitals and with underscores: source.kafka.topic is",
        "FRESHET_SOURCE_KAFKA_TOPIC. Client commands find the daemon by FRESHET_RPC_SOCKET or FRESHET_STATE_FOLDER, and",
        "take its password from FRESHET_RPC_PASSWORD.", ".SH FILES", ".TP", ".I /etc/freshet/freshet.yaml",
        "The configuration of the installed service.", ".TP", ".I /var/lib/freshet",
        "What it has learned (state.sqlite) and, without Kafka, its log (log.sqlite).", ".TP",
        ".I /run/freshet/freshet.sock", "Where it answers; members of the group freshet may ask.", ".SH SEE ALSO",
        ".BR redis\\-cli (1),", ".I /usr/share/doc/freshet/README.md", "",
    ]
    print("\n".join(out))


main()
