#!/usr/bin/env python3
"""Checks that includes point only up the table of ranks, and that vendor headers stay in the folders made for them.

usage: includes.py ROOT
"""
import re
import sys

import tree

# Longest prefix first. A file may include what begins with one of the values; "" is everything.
RANKS = [
    ("controller/main.cc", [""]),
    ("specs/meta/", ["specs/meta/"]),
    ("specs/codec/", ["specs/meta/", "specs/codec/"]),
    ("specs/schema/", ["specs/meta/", "specs/codec/", "specs/schema/"]),
    ("specs/", ["specs/"]),
    ("controller/ports/", ["specs/", "controller/ports/"]),
    ("controller/", ["specs/", "controller/"]),
    ("reconcilers/", ["specs/", "controller/", "reconcilers/"]),
    ("webhooks/", ["specs/", "controller/ports/", "controller/cache/", "controller/quota/", "webhooks/"]),
    ("apis/", ["specs/", "controller/", "webhooks/", "apis/"]),
    ("cli/", ["specs/", "apis/client/", "cli/"]),
    ("observer/", ["specs/", "apis/client/", "observer/"]),
    ("logger/", ["specs/", "apis/client/", "logger/"]),
    ("test/", [""]),
]

# Vendor headers and the folders that may name them; tests may name any.
VENDORS = [
    ("yaml-cpp/", ["specs/codec/"]),
    ("nlohmann/", ["specs/codec/", "apis/docker/", "apis/zookeeper/", "apis/server/", "apis/client/"]),
    ("boost/program_options", ["controller/main.cc", "controller/", "cli/", "observer/", "logger/"]),
    ("boost/", ["apis/server/", "logger/"]),
    ("curl/", ["apis/docker/"]),
    ("sqlite3.h", ["apis/sqlite/"]),
    ("zookeeper/", ["apis/zookeeper/", "apis/docker/"]),
    ("spdlog/", ["controller/runtime/"]),
    ("fmt/", ["controller/runtime/"]),
    ("cpprest/", ["apis/client/"]),
    ("pplx/", ["apis/client/"]),
    ("openssl/", ["apis/"]),
    ("sodium.h", ["controller/crypto/"]),
    ("crypt.h", ["controller/crypto/"]),
    ("gtest/", []),
    ("gmock/", []),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def lookup(table, path):
    for prefix, value in table:
        if path.startswith(prefix):
            return prefix, value
    return None, None


def folder(path):
    return path.rsplit("/", 1)[0] + "/"


def check(root):
    paths = [p for p in tree.files(root) if tree.is_cpp(p)]
    known = set(paths)
    problems = []
    ours, vendors = {}, {}
    for path in paths:
        ours[path], vendors[path] = [], []
        text = tree.read(root, path)
        _, allowed = lookup(RANKS, path)
        if allowed is None:
            problems.append(f"{path}:1: its folder has no rank: add it to RANKS in test/lint/includes.py")
            continue
        for match in INCLUDE.finditer(text):
            place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            kind, name = match.groups()
            if kind == '"':
                if name not in known:
                    problems.append(f'{place}: "{name}" is no file of ours: write paths from the root, vendors in <>')
                    continue
                ours[path].append((place, name))
                if not name.endswith(".h"):
                    problems.append(f'{place}: "{name}" is no header')
                if not any(name.startswith(a) for a in allowed):
                    problems.append(f'{place}: {folder(path)} may not include "{name}"; it may: {", ".join(allowed)}')
                continue
            vendor, folders = lookup(VENDORS, name)
            if vendor is None:
                if name in known:
                    problems.append(f'{place}: <{name}> is ours: include it with quotes')
                continue
            vendors[path].append((place, name))
            if not path.startswith("test/") and not any(path.startswith(f) for f in folders):
                problems.append(f'{place}: <{name}> stays in {", ".join(folders) or "test/"}')
    return problems + leaks(paths, ours, vendors)


def leaks(paths, ours, vendors):
    """A header that names a vendor's, itself or through others, is private to its folder."""
    tainted = {p: vendors[p][0][1] for p in paths if p.endswith(".h") and vendors[p]}
    changed = True
    while changed:
        changed = False
        for path in paths:
            if not path.endswith(".h") or path in tainted:
                continue
            for _, name in ours[path]:
                if name in tainted:
                    tainted[path] = tainted[name]
                    changed = True
                    break
    problems = []
    for path in paths:
        if path.startswith("test/"):
            continue
        for place, name in ours[path]:
            if name in tainted and folder(name) != folder(path):
                problems.append(f'{place}: "{name}" brings <{tainted[name]}> into {folder(path)}: keep it out of that header')
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
