#!/usr/bin/env python3
"""Starts ministack with one thing turned: without TCP_NODELAY in the Lambda runtime's API every
call of a function waits 40 ms for a delayed acknowledgement."""

import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = ["ministack"]

from ministack.app import main  # noqa: E402

main()
