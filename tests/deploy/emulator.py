#!/usr/bin/env python3
"""Starts ministack 1.5.33 with three things turned.

- Without TCP_NODELAY in the Lambda runtime's API every call of a function waits 40 ms for a delayed
  acknowledgement.
- What is inserted by PartiQL goes to the table's stream, too, as on AWS.
- Streams are read as streams.py tells."""

import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = ["ministack"]

from ministack.app import main  # noqa: E402
from ministack.services import dynamodb  # noqa: E402

import streams  # noqa: E402, F401

insert = dynamodb._partiql_insert


def streamed_insert(table, parsed):
    answer = insert(table, parsed)
    if answer[0] == 200:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(parsed["table"], "INSERT", None, item)
    return answer


dynamodb._partiql_insert = streamed_insert
main()
