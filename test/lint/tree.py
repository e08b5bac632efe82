"""Which files the checks look at, and how they report."""
import os
import subprocess
import sys


def files(root):
    """Paths of the project's files, relative to root, sorted: what git tracks or would track; without git, all but builds."""
    try:
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "node_modules", "__pycache__")]
            listed += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted({f for f in listed if f and os.path.isfile(os.path.join(root, f))})


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def is_cpp(path):
    return path.endswith((".h", ".cc"))


def report(problems):
    """Prints one problem per line; the value is the exit code."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)" if problems else "ok", file=sys.stderr)
    return 1 if problems else 0
