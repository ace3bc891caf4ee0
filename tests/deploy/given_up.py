"""What becomes of work where retries end: callers are told to come back, and what nobody waits for lies
in a queue of dead letters, whole, until it is sent again as infra/README.md tells."""

import contextlib
import json
import sys
import time

import manual
import workload
from rules import TABLES, error
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


def messages(queue):
    """Gives how many messages a queue has, those that are being worked on among them."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def sent_again(stack, names, dead_letters, *queue):
    """Sends what is among dead letters again, once all that fails is there."""
    workload.settled(lambda: messages(names[dead_letters]) and not any(messages(names[name]) for name in queue))
    if not messages(names[dead_letters]):
        sys.exit(f"nothing came to {dead_letters}")

    def again():
        manual.run(stack, f"${dead_letters}Url")
        workload.settled(lambda: not messages(names[dead_letters]))

    return again


@contextlib.contextmanager
def sources_with(function, names, **settings):
    """Gives what a function reads from other settings for a while."""
    functions = client("lambda")
    found = functions.list_event_source_mappings(FunctionName=names[function])["EventSourceMappings"]
    # Only streams have any but this.
    found = [source for source in found if "Enabled" in settings or ":dynamodb:" in source["EventSourceArn"]]
    for source in found:
        functions.update_event_source_mapping(UUID=source["UUID"], **settings)
    yield
    for source in found:
        before = {"Enabled": True} if "Enabled" in settings else {name: source[name] for name in settings}
        functions.update_event_source_mapping(UUID=source["UUID"], **before)


def imported(dead_letters, proxy, stack, names):
    """Gives work that imports while something is down, is given up, and is sent again later."""

    def act(tenant, rows):
        workload.drop(tenant, rows, names["Bucket"])
        again = sent_again(stack, names, dead_letters)
        proxy.heal()
        again()
        workload.imported(tenant, rows)

    return act


def worked_off(function, queue, dead_letters, send, is_done, proxy, stack, names):
    """Gives work whose messages are all given up while tables are down, and sent again later."""

    def act(tenant, rows):
        with sources_with(function, names, Enabled=False):
            send(tenant, rows)
            proxy.fail({"service": "dynamodb", **TABLES["throttled"]})
        again = sent_again(stack, names, dead_letters, queue)
        proxy.heal()
        again()
        workload.settled(lambda: is_done(tenant))

    return act


def kept_changes(names):
    """Gives how many changes of the stream lie in the bucket for each function that gave them up."""
    files, bucket = client("s3"), names["Bucket"]
    kept = {}
    for found in files.list_objects_v2(Bucket=bucket, Prefix="aws/lambda/").get("Contents", []):
        told = json.loads(files.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
        function = told["requestContext"]["functionArn"].split(":")[-1]
        kept[function] = kept.get(function, 0) + 1
    return kept


def streamed(proxy, stack, names):
    """Gives work whose changes are given up by both readers of the stream, and sent again later."""
    indexer, scoring = names["IndexerFunction"], names["ScoringFunction"]

    def act(tenant, rows):
        # They wait for their contacts.
        workload.send_events(tenant, rows)
        # The bus hands them on after it has answered.
        time.sleep(3)
        workload.settled(lambda: not messages(names["EventQueue"]))
        with (
            sources_with("IndexerFunction", names, MaximumRetryAttempts=1),
            sources_with("ScoringFunction", names, MaximumRetryAttempts=1),
        ):
            # Nothing that Leads ever wrote: it is kept, and holds nobody up.
            poison = {"tenant": {"S": "no tenant"}, "address": {"S": "nobody"}}
            client("dynamodb").put_item(TableName=names["ContactsTable"], Item=poison)
            workload.settled(lambda: kept_changes(names).get(indexer) == 1)
            # As by a policy that somebody broke: no client tries that again.
            denied = {"service": "dynamodb", **error("AccessDeniedException", 400)}
            proxy.fail(
                {**denied, "resource": names["IndexTable"]},
                {**denied, "operation": "TransactWriteItems"},
            )
            workload.batch(tenant, rows)
            wanted = {indexer: rows + 1, scoring: rows}
            workload.settled(lambda: kept_changes(names) == wanted)
            if (found := kept_changes(names)) != wanted:
                sys.exit(f"of {wanted} changes that fail {found} are kept")
            proxy.heal()
        manual.run(stack, "aws/lambda/")
        if (found := kept_changes(names)) != {indexer: 1}:
            sys.exit(f"but for the one that nobody can read all changes are sent again: {found}")

    return act
