#!/usr/bin/env python3
"""Checks that C++ is formatted as .clang-format says. Exit code 77: clang-format 14 is not there (others break lines elsewhere).

usage: format.py ROOT
"""
import os
import re
import shutil
import subprocess
import sys

import tree

VERSION = "version 14."
SKIPPED = 77


def program():
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path and VERSION in subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout:
            return path
    return None


def check(root, clang_format):
    paths = [p for p in tree.files(root) if tree.is_cpp(p)]
    done = subprocess.run([clang_format, "--dry-run", "-Werror"] + paths, cwd=root, capture_output=True, text=True)
    broken = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error: ", done.stderr, re.MULTILINE)))
    if done.returncode != 0 and not broken:
        return [f"clang-format failed: {done.stderr[:1000]}"]
    return [f"{path}:1: not formatted: clang-format -i {path}" for path in broken]


if __name__ == "__main__":
    FOUND = program()
    if FOUND is None:
        print("clang-format 14 is not installed: skipped")
        sys.exit(SKIPPED)
    sys.exit(tree.report(check(os.path.abspath(sys.argv[1]), FOUND)))
