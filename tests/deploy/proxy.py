#!/usr/bin/env python3
"""Starts microburst with one thing turned: it takes Content-Length off what it passes on, and
clients of S3 read the size of a file from it."""

from microburst import forward

forward.HOP_BY_HOP = forward.HOP_BY_HOP - {"content-length"}

from microburst.cli import main  # noqa: E402

main()
