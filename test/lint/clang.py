"""Every source of the programs compiles without a warning under clang too, thread-safety analysis included.

Usage: clang.py ROOT BUILD_DIR. Reads BUILD_DIR/compile_commands.json; skips (77) where there is no clang++. Code alone is checked, nothing is built."""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys

root, build = (os.path.realpath(p) for p in sys.argv[1:3])
if not shutil.which("clang++"):
    print("clang++ is not installed: apt-get install clang")
    sys.exit(77)


def check(entry):
    source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
    words = shlex.split(entry["command"]) if "command" in entry else entry["arguments"]
    flags = [w for w in words if w.startswith(("-I", "-D", "-std=", "-W"))]
    system = [x for i, w in enumerate(words) if w == "-isystem" for x in (w, words[i + 1])]
    done = subprocess.run(["clang++", "-fsyntax-only", "-Wthread-safety", *flags, *system, source], cwd=entry["directory"],
                          capture_output=True, text=True)
    return os.path.relpath(source, root), done.returncode, done.stderr


with open(os.path.join(build, "compile_commands.json")) as f:
    entries = [e for e in json.load(f) if not os.path.relpath(os.path.join(e["directory"], e["file"]), root).startswith(("test/", "build/"))]
failed = 0
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for name, code, text in pool.map(check, entries):
        if code:
            failed += 1
            print(f"{name}: clang refuses it\n{text[:3000]}")
print(f"{len(entries)} sources, {failed} refused")
sys.exit(1 if failed or not entries else 0)
