#!/usr/bin/env python3
"""Starts ministack 1.5.33 with four things turned.

- Without TCP_NODELAY in the Lambda runtime's API every call of a function waits 40 ms for a delayed
  acknowledgement.
- What is inserted by PartiQL goes to the table's stream, too, as on AWS.
- Streams are read as streams.py tells.
- Dead letters can be moved back to a queue (`StartMessageMoveTask`)."""

import socketserver
import sys
import time
import uuid

socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = ["ministack"]

from ministack.app import main  # noqa: E402
from ministack.services import dynamodb, sqs  # noqa: E402

import streams  # noqa: E402, F401

insert = dynamodb._partiql_insert


def streamed_insert(table, parsed):
    answer = insert(table, parsed)
    if answer[0] == 200:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(parsed["table"], "INSERT", None, item)
    return answer


def move_messages(asked, _):
    source, queue = sqs._queue_by_arn(asked["SourceArn"]), sqs._queue_by_arn(asked["DestinationArn"])
    with sqs._queues_lock:
        moved, source["messages"] = source["messages"], []
        for message in moved:
            # They come as new ones.
            fresh = {"id": str(uuid.uuid4()), "receipt_handle": None, "receive_count": 0, "first_receive_at": None}
            queue["messages"].append({**message, **fresh, "visible_at": time.time()})
    return {"TaskHandle": str(uuid.uuid4())}


dynamodb._partiql_insert = streamed_insert
sqs._HANDLERS["StartMessageMoveTask"] = move_messages
main()
