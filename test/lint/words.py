#!/usr/bin/env python3
"""Checks text: READMEs where there is code and short, no unfinished business, no paths of a developer's machine.

usage: words.py ROOT
"""
import os
import re
import sys

import tree

README_LINES = 15
CODE = (".h", ".cc", ".py", ".ts", ".js", ".go")
# Put together here, so that this file passes.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
WORKPLACE = re.compile(r"(?<![\w.])/(work/(main|shared|\.library)|tmp/zo" + r"e/)")


def check(root):
    paths = tree.files(root)
    return readmes(root, paths) + words(root, paths)


def readmes(root, paths):
    problems = []
    have = {os.path.dirname(p) for p in paths if os.path.basename(p) == "README.md"}
    for folder in sorted({os.path.dirname(p) for p in paths if p.endswith(CODE)}):
        if folder.startswith(("manifests/", "samples/")):  # files for images
            continue
        # The folders of one tier of tests share a README.
        shared = folder.startswith("test/") and any(folder.startswith(h + "/") for h in have if h.startswith("test/"))
        if folder and folder not in have and not shared:
            problems.append(f"{folder}/README.md:1: missing: say what lives here, what it may include, what to read first")
    for folder in sorted(have):
        path = os.path.join(folder, "README.md")
        lines = tree.read(root, path).count("\n")
        if folder and not folder.startswith(("docs", "samples", "manifests")) and lines > README_LINES:
            problems.append(f"{path}:{lines}: more than {README_LINES} lines: details belong into headers and docs/")
    return problems


def words(root, paths):
    problems = []
    for path in paths:
        if path.startswith("test/fuzz/corpus/"):
            continue
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            for match in UNFINISHED.finditer(line):
                problems.append(f"{path}:{number}: {match.group(0)}: finish it, or leave it out")
            for match in WORKPLACE.finditer(line):
                problems.append(f"{path}:{number}: {match.group(0)} is a path of one developer's machine")
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
