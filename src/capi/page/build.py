#!/usr/bin/env python3
"""Writes the page: one HTML file with the library in it, which needs no server.

    build.py OUT        target/page/wukong.html if OUT is not given
"""

import base64
import gzip
import hashlib
import os
import pathlib
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parent
ROOT = HOME.parents[2]
TRIPLE = "wasm32-unknown-unknown"


def main(out):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = ["cargo", "build", "--locked", "--package", "wukong-capi", "--profile", "page", "--target", TRIPLE]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        sys.exit(f"the library was not built; it needs `rustup target add {TRIPLE}`")
    library = (target / TRIPLE / "page" / "wukong.wasm").read_bytes()
    # Equal sources give an equal page: no time in it.
    packed = gzip.compress(library, 9, mtime=0)
    style, script = ((HOME / name).read_text(encoding="utf-8") for name in ("style.css", "page.js"))
    allowed = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (style, script)]
    # Nothing is loaded from anywhere, and no other script or style runs.
    policy = f"default-src 'none'; style-src {allowed[0]}; script-src {allowed[1]} 'wasm-unsafe-eval'; " \
        "base-uri 'none'; form-action 'none'"
    page = (HOME / "index.html").read_text(encoding="utf-8")
    parts = {"@CSP@": policy, "@STYLE@": style, "@SCRIPT@": script, "@WASM@": base64.b64encode(packed).decode()}
    for mark, text in parts.items():
        page = page.replace(mark, text)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8", newline="\n")
    sizes = [f"{name} {len(data) / 1024:.0f} KiB" for name, data in
             (("wasm", library), ("compressed", packed), ("page", page.encode()))]
    print(f"{out}: {', '.join(sizes)}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target" / "page" / "wukong.html")
