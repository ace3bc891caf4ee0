"""What becomes of work where retries end: callers are told to come back, and what nobody waits for lies
in a queue of dead letters, whole, until it is sent again as infra/README.md tells."""

import json
import sys
import time

import workload
from rules import TABLES
from stack import client

ITEMS = [{"email": "one@example.com"}, {"email": "two@example.com"}]


def callers_are_told(tenant, proxy):
    """Asks while no call to a table succeeds."""
    path = "/api/v1/contacts"
    requests = {
        "create": ("POST", path, {"email": "new@example.com"}),
        "read": ("GET", f"{path}/person-0%40example.com", None),
        "update": ("PATCH", f"{path}/person-0%40example.com", {"company": "Acme"}),
        "list": ("GET", path, None),
        "batch": ("POST", f"{path}/batch", {"contacts": ITEMS}),
        "import": ("POST", "/api/v1/imports", {"filename": "a.csv"}),
    }
    print("no call succeeds | request | answer | Retry-After | code")
    for kind, what in TABLES.items():
        proxy.fail({"service": "dynamodb", **what})
        for name, (method, path, body) in requests.items():
            status, headers, answer = tenant.call(method, path, body)
            after, code = headers.get("retry-after"), (answer or {}).get("code")
            right = status == 503 and after and int(after) >= 1 and code == "unavailable"
            if name == "batch" and status == 200:
                # Who calls is known for a minute: so each item is told by itself.
                codes = [item["error"]["code"] for item in answer["results"] if item["status"] == 503]
                code, right = f"{len(codes)} x {codes[0]}", codes == ["unavailable"] * len(ITEMS)
            print(kind, name, status, after, code, sep=" | ", flush=True)
            if not right:
                sys.exit(f"{name} is answered with {status} {answer}")
        proxy.heal()


def waiting(queue):
    """Gives the one message of a queue."""
    queues = client("sqs")
    end = time.monotonic() + 90
    while time.monotonic() < end:
        found = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages")
        if found:
            return found[0]
    sys.exit(f"nothing came to {queue}")


def invoke_again(names, message):
    """Invokes the function with the event that its dead letter keeps."""
    event = json.loads(message["Body"])["requestPayload"]
    client("lambda").invoke(
        FunctionName=names["ImportFunction"], InvocationType="Event", Payload=json.dumps(event).encode()
    )


def move_back(names, message):
    """Does what `StartMessageMoveTask` does, which the emulator does not have."""
    client("sqs").send_message(QueueUrl=names["RangeQueue"], MessageBody=message["Body"])


def imported_late(dead_letters, send_again, proxy, names):
    """Gives work that imports while something is down, is given up, and is sent again later."""

    def act(tenant, rows):
        workload.drop(tenant, rows, names["Bucket"])
        message = waiting(names[dead_letters])
        proxy.heal()
        send_again(names, message)
        client("sqs").delete_message(QueueUrl=names[dead_letters], ReceiptHandle=message["ReceiptHandle"])
        workload.imported(tenant, rows)

    return act
