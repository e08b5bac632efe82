#!/usr/bin/env python3
"""Checks that every header compiles alone. Left out are headers that their own .cc includes first (the build has compiled
those alone), and what has not changed since it last passed.

usage: headers.py ROOT STAMPS COMPILER [FLAG...]
STAMPS is a folder for notes on what compiled.
"""
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys

import tree

JOBS = 2
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
ANY_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<][^">]+[">])', re.MULTILINE)


class Closure:
    """The text of a header and of all of ours that it includes, as one digest."""

    def __init__(self, root):
        self.root = root
        self.direct = {}

    def includes(self, path):
        if path not in self.direct:
            text = tree.read(self.root, path) if os.path.isfile(os.path.join(self.root, path)) else ""
            self.direct[path] = (hashlib.sha256(text.encode()).hexdigest(), INCLUDE.findall(text))
        return self.direct[path]

    def digest(self, header, command):
        seen, waiting = set(), [header]
        while waiting:
            path = waiting.pop()
            if path not in seen:
                seen.add(path)
                waiting += self.includes(path)[1]
        parts = [" ".join(command)] + [p + self.includes(p)[0] for p in sorted(seen)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check(root, stamps, command):
    os.makedirs(stamps, exist_ok=True)
    closure = Closure(root)

    def compile_one(header):
        digest = closure.digest(header, command)
        stamp = os.path.join(stamps, header.replace("/", "_"))
        if os.path.exists(stamp) and tree.read(stamps, os.path.basename(stamp)) == digest:
            return None
        source = f'#include "{header}"\n'
        done = subprocess.run(command + ["-x", "c++", "-"], input=source, text=True, capture_output=True, cwd=root)
        if done.returncode != 0:
            return f"{header}:1: does not compile alone\n{done.stderr[:2000]}"
        with open(stamp, "w", encoding="utf-8") as f:
            f.write(digest)
        return None

    def proven_by_build(header):
        source = header[:-2] + ".cc"
        return os.path.isfile(os.path.join(root, source)) and closure.includes(source)[1][:1] == [header] and \
            ANY_INCLUDE.search(tree.read(root, source)).group(1) == f'"{header}"'

    headers = [p for p in tree.files(root) if p.endswith(".h")]
    problems = [f"{h}:1: no #pragma once" for h in headers if "#pragma once" not in tree.read(root, h)]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return problems + [p for p in pool.map(compile_one, [h for h in headers if not proven_by_build(h)]) if p]


if __name__ == "__main__":
    ROOT, STAMPS, COMPILER, *FLAGS = sys.argv[1:]
    sys.exit(tree.report(check(
        ROOT, STAMPS, [COMPILER, "-std=c++20", "-fsyntax-only", "-O0", "-I", ROOT] + [f for f in FLAGS if f])))
