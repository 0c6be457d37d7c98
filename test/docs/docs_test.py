# SPDX-License-Identifier: Apache-2.0
"""Fails when the documentation names what is not there.

    docs_test.py ROOT           check links, and the verbs of ./dev
    docs_test.py ROOT FIRN      check the commands of firn against that program as well
    docs_test.py --self-test    check that bad pages are caught and a good one is not

Looked at: every .md file under ROOT that git would keep.

  links      a relative link leads to a file
  ./dev      a line of a `sh` block that runs ./dev VERB names a verb of `./dev --help`
  firn       a line of a `sh` block that runs firn names a command, and each of its flags is
             in that command's --help or in that of `firn` itself

A finding is one line, `file:line: what is wrong`.
"""

import os
import re
import shlex
import subprocess
import sys

FENCE = re.compile(r"^\s*```(\S*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# In a page of --help: the name of an option, and the list of commands under their heading.
FLAG = re.compile(r"^\s+(?:-\w,)?(--[a-z][a-z-]*)", re.MULTILINE)
COMMANDS = re.compile(r"^subcommands:\n((?:[ \t].*\n?)*)", re.MULTILINE | re.IGNORECASE)
FIRN = ("firn", "build/release/firn", "./build/release/firn")
NOT_OURS = {".git", "build", ".cache", "__pycache__"}


def pages(root):
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names
                          if name not in NOT_OURS and not name.startswith("build-"))
        for file in sorted(files):
            if file.endswith(".md"):
                yield os.path.join(directory, file)


def lines_by_block(text):
    """Yields (line number, language of the fenced block or None, line)."""
    language = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence:
            language = None if language is not None else fence.group(1)
        else:
            yield number, language, line


def broken_links(path, text):
    for number, language, line in lines_by_block(text):
        if language is not None:
            continue
        for target in LINK.findall(line):
            target = target.split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                yield number, f"nothing at {target}"


def shell_commands(text):
    """Yields (line number, words) of each simple command in the `sh` blocks."""
    for number, language, line in lines_by_block(text):
        if language != "sh":
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            yield number, ["unreadable:", str(error)]
            continue
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words:
            yield number, words


class Program:
    """What `firn` and its commands say of themselves, asked once each."""

    def __init__(self, ask):
        self.ask = ask
        self.pages = {}

    def page(self, command):
        if command not in self.pages:
            self.pages[command] = self.ask([*command, "--help"]) or ""
        return self.pages[command]

    def flags(self, command):
        return set(FLAG.findall(self.page(command)))

    def commands(self, command):
        listed = COMMANDS.search(self.page(command))
        lines = listed.group(1).splitlines() if listed else []
        return {line.split()[0] for line in lines if line.strip()}


def bad_commands(text, dev_page, program):
    for number, words in shell_commands(text):
        if words[0] == "unreadable:":
            yield number, words[1]
        elif words[0] == "./dev":
            verb = words[1] if len(words) > 1 else "--help"
            if verb != "--help" and not re.search(rf"^ +\./dev {re.escape(verb)}( |$)",
                                                  dev_page, re.MULTILINE):
                yield number, f"./dev --help has no {verb}"
        elif words[0] in FIRN and program is not None:
            yield from ((number, why) for why in bad_firn(words[1:], program))


def bad_firn(words, program):
    command = ()
    while program.commands(command):
        word = words[len(command)] if len(command) < len(words) else "--help"
        if word.startswith("-"):
            break
        if word not in program.commands(command):
            yield f"{' '.join(('firn', *command))} has no command {word}"
            return
        command += (word,)
    known = program.flags(command) | program.flags(())
    if "--help" not in known:
        yield f"{' '.join(('firn', *command))} --help lists no flags"
    for word in words:
        flag = word.split("=")[0]
        if flag.startswith("--") and flag not in known:
            yield f"{' '.join(('firn', *command))} has no {flag}"


def run(command):
    """The command's output, or None where it refuses."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout if done.returncode == 0 else None


def main(root, firn=None):
    dev_page = run([os.path.join(root, "dev"), "--help"])
    program = Program(lambda words: run([firn, *words])) if firn else None
    found = count = 0
    for path in pages(root):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        count += 1
        for number, why in [*broken_links(path, text),
                            *bad_commands(text, dev_page, program)]:
            print(f"{os.path.relpath(path, root)}:{number}: {why}")
            found += 1
    if count == 0:
        sys.exit(f"no .md file under {root}")
    print(f"{count} pages, {found} findings")
    sys.exit(1 if found else 0)


def self_test():
    options = "Options:\n  -h,--help     Print this\n"
    listed = "\nSubcommands:\n"
    pages_of_firn = {
        (): options + "  --json        For --scripts\n" + listed
            + "  serve         Take samples\n  table         Look\n\nFoot\n",
        ("serve",): options + "  --data TEXT   Directory\n\nExample:\n  firn --nothing\n",
        ("table",): options + listed + "  ls            List\n",
        ("table", "ls"): options + "  --warehouse TEXT\n"}
    # As firn does: --help behind what is no command answers with the page above it.
    program = Program(lambda words: pages_of_firn.get(tuple(words[:-1]),
                                                      pages_of_firn[()]))
    dev_page = "  ./dev demo    …\n  ./dev test    …\n"

    def findings(*lines):
        text = "\n".join(("```sh", *lines, "```"))
        return [why for _, why in bad_commands(text, dev_page, program)]

    assert findings("./dev demo  # a comment", "curl --nonsense x", "",
                    "firn serve --data ./d --json", "FIRN_X=1 firn table ls --warehouse w",
                    "build/release/firn --json serve") == []
    assert findings("./dev dance") == ["./dev --help has no dance"]
    assert findings("./dev dem") == ["./dev --help has no dem"]
    assert findings("firn swerve") == ["firn has no command swerve"]
    assert findings("firn table mend") == ["firn table has no command mend"]
    assert findings("firn serve --warehouse=w") == ["firn serve has no --warehouse"]
    assert findings("firn serve --nothing") == ["firn serve has no --nothing"]
    assert findings("firn serve --scripts") == ["firn serve has no --scripts"]
    assert findings("firn table ls --data d") == ["firn table ls has no --data"]
    assert findings("firn serve 'x") == ["No closing quotation"]
    assert list(bad_commands("```text\n./dev dance\n```", dev_page, program)) == []

    here = os.path.abspath(__file__)
    good = f"[a]({os.path.basename(here)}#x) [b](https://a/b) [c](#d)\n```sh\n[d](no)\n```"
    assert list(broken_links(here, good)) == []
    assert list(broken_links(here, "x\n[a](no-such-file.md)")) == [
        (2, "nothing at no-such-file.md")]
    print("good pages pass and bad ones are caught")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        main(*sys.argv[1:])
