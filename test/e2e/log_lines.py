#!/usr/bin/env python3
"""log_lines.py TOP PAGE: fails if a log line that the page cites (`WARN  words`) stands in no source file."""
import pathlib
import re
import sys

top, page = pathlib.Path(sys.argv[1]), sys.argv[2]
words = set()
for folder in ("controller", "apis", "reconcilers", "webhooks"):
    for source in (top / folder).rglob("*.cc"):
        # Adjacent literals are one.
        text = re.sub(r'"\s*\n\s*"', "", source.read_text())
        words.update(re.findall(r'"((?:[^"\\\n]|\\.)+)"', text))
cited = set(re.findall(r"`(?:ERROR|WARN|INFO) +([^`]+)`", (top / page).read_text()))
missing = sorted(line for line in cited if not any(w.startswith(line) for w in words))
for line in missing:
    print(f"{page}: no program logs: {line}")
sys.exit(1 if missing or not cited else 0)
