"""What becomes of work where retries end: callers are told to come back, and what nobody waits for lies
in a queue of dead letters, whole, until it is sent again as infra/README.md tells."""

import contextlib
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


def messages(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


@contextlib.contextmanager
def sources_with(function, names, **settings):
    """Gives what a function reads from other settings for a while."""
    functions = client("lambda")
    found = functions.list_event_source_mappings(FunctionName=names[function])["EventSourceMappings"]
    for source in found:
        functions.update_event_source_mapping(UUID=source["UUID"], **settings)
    yield
    for source in found:
        before = {name: source.get(name, True) for name in settings}
        functions.update_event_source_mapping(UUID=source["UUID"], **before)


def given_up(queue, dead_letters, send, is_done, proxy, names):
    """Gives work whose messages are all given up while tables are down, and moved back later."""

    def act(tenant, rows):
        with sources_with("ScoringFunction", names, Enabled=False):
            send(tenant, rows)
        proxy.fail({"service": "dynamodb", **TABLES["throttled"]})
        workload.settled(lambda: messages(names[dead_letters]) and not messages(names[queue]))
        proxy.heal()
        queues = client("sqs")
        while found := queues.receive_message(QueueUrl=names[dead_letters], MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                queues.send_message(QueueUrl=names[queue], MessageBody=message["Body"])
                queues.delete_message(QueueUrl=names[dead_letters], ReceiptHandle=message["ReceiptHandle"])
        workload.settled(lambda: is_done(tenant))

    return act


def kept_changes(names):
    """Gives the changes of a stream that lie in the bucket, as infra/README.md tells to find them."""
    files, bucket = client("s3"), names["Bucket"]
    listed = files.list_objects_v2(Bucket=bucket, Prefix="aws/lambda/").get("Contents", [])
    return {found["Key"]: json.loads(files.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()) for found in listed}


def unindexed(proxy, names):
    """Gives work whose changes are given up by the indexer, one of them for good, and sent again."""

    def act(tenant, rows):
        with sources_with("IndexerFunction", names, MaximumRetryAttempts=1), sources_with(
            "ScoringFunction", names, MaximumRetryAttempts=1
        ):
            # Nothing that Leads ever wrote: it is tried, kept, and holds nobody up.
            poison = {"tenant": {"S": "no tenant"}, "address": {"S": "nobody"}}
            client("dynamodb").put_item(TableName=names["ContactsTable"], Item=poison)
            workload.settled(lambda: kept_changes(names))
            proxy.fail({"service": "dynamodb", "resource": names["IndexTable"], **TABLES["throttled"]})
            workload.batch(tenant, rows)
            before = len(kept_changes(names))
            workload.settled(lambda: len(kept_changes(names)) > before)
            proxy.heal()
        workload.settled(lambda: invoked_again(names))

    return act


def invoked_again(names):
    """Hands what is kept to the indexer once more; what cannot be read at all stays."""
    left = 0
    for key, kept in kept_changes(names).items():
        if "no tenant" in kept["payload"]:
            continue
        answer = client("lambda").invoke(FunctionName=names["IndexerFunction"], Payload=kept["payload"].encode())
        failed = "FunctionError" in answer or json.loads(answer["Payload"].read())["batchItemFailures"]
        left += bool(failed)
        if not failed:
            client("s3").delete_object(Bucket=names["Bucket"], Key=key)
    return not left


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
