#!/usr/bin/env python3
"""Every known failure pattern, T1 to T45, has a test; each test that test/sim/patterns.md names
exists in its file.

usage: patterns.py ROOT
"""
import glob
import os
import re
import sys

PATTERNS = range(1, 46)
TEST = re.compile(r"TEST(?:_[FP])?\(\s*\w+,\s*(\w+)\s*\)")
ROW = re.compile(r"^\| T(\d+) \| (\w+) \| (\S+) \|$")


def tests_in(path):
    try:
        with open(path, encoding="utf-8") as f:
            return set(TEST.findall(f.read()))
    except OSError:
        return set()


def check(root):
    """What is wrong, as lines."""
    problems = []
    found = set()
    for path in glob.glob(os.path.join(root, "test/sim/patterns_*_test.cc")):
        found |= {int(n) for name in tests_in(path) for n in re.findall(r"^T(\d+)_", name)}
    table = os.path.join("test/sim", "patterns.md")
    with open(os.path.join(root, table), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            row = ROW.match(line.rstrip("\n"))
            if not row:
                continue
            pattern, test, path = row.groups()
            if test in tests_in(os.path.join(root, path)):
                found.add(int(pattern))
            else:
                problems.append(f"{table}:{number}: {path} has no test {test}")
    for pattern in PATTERNS:
        if pattern not in found:
            problems.append(f"{table}: T{pattern} has no test")
    return problems


def main():
    problems = check(sys.argv[1])
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
