"""Runs commands of infra/README.md as they stand there, so that they are not told without having run."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

MANUAL = (pathlib.Path(__file__).parents[2] / "infra" / "README.md").read_text(encoding="utf-8")
SECTION = MANUAL.split("### Send again what was given up\n")[1].split("\n#")[0]
# The first of them gives the others their names.
NAMES, *COMMANDS = re.findall(r"^```text\n(.*?)^```$", SECTION, re.M | re.S)
# For queues the command line of the first version does not look at the variable itself.
AWS = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'


def run(stack, about):
    """Runs the commands that have a name in them: all of their block, or the one line of many."""
    block = next(block for block in COMMANDS if about in block)
    lines = [line for line in block.splitlines() if line.startswith("back ") and about in line]
    script = "\n".join(["set -euo pipefail", AWS, NAMES, *(lines or [block])])
    access = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, **access, "stack": stack},
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        sys.exit(f"a command of infra/README.md fails:\n{script}\n{done.stdout}{done.stderr}")
