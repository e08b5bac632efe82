#!/usr/bin/env python3
"""Checks that C++ is formatted as .clang-format says. Exit code 77: clang-format 14 is not there (others break lines elsewhere).

usage: format.py ROOT
"""
import os
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
    problems = []
    for path in tree.files(root):
        if not tree.is_cpp(path):
            continue
        done = subprocess.run([clang_format, "--dry-run", "-Werror", path], cwd=root, capture_output=True, text=True)
        if done.returncode != 0:
            problems.append(f"{path}:1: not formatted: clang-format -i {path}")
    return problems


if __name__ == "__main__":
    FOUND = program()
    if FOUND is None:
        print("clang-format 14 is not installed: skipped")
        sys.exit(SKIPPED)
    sys.exit(tree.report(check(os.path.abspath(sys.argv[1]), FOUND)))
