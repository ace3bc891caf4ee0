#!/usr/bin/env python3
"""Writes under one fault after another, and prints what became of each row.

usage: faults.py PROXY STACK ROWS    LEADS_URL and LEADS_ADMIN_KEY in the environment
"""

import contextlib
import json
import sys
import time

import given_up
import workload
from rules import FILES, SLOW, TABLES, Proxy, error, in_a_row, now_and_then
from stack import client
from workload import Tenant

STACK, ROWS = sys.argv[2], int(sys.argv[3])
PROXY = Proxy(sys.argv[1])
# What goes one by one takes longer: the faults together have ROWS creates and updates.
SINGLES = ROWS // 10
# The names of the stack's resources: a bucket, the URL of a queue.
NAMES = {
    resource["LogicalResourceId"]: resource["PhysicalResourceId"]
    for resource in client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
}


@contextlib.contextmanager
def queue_with(**attributes):
    """Gives the queue of ranges other attributes for a while."""
    queues, queue = client("sqs"), {"QueueUrl": NAMES["RangeQueue"]}
    before = queues.get_queue_attributes(**queue, AttributeNames=list(attributes))["Attributes"]
    queues.set_queue_attributes(**queue, Attributes=attributes)
    yield
    queues.set_queue_attributes(**queue, Attributes=before)


@contextlib.contextmanager
def timeout_of(function, seconds):
    """Lets a function time out soon, and what it held be delivered again soon after."""
    functions, name = client("lambda"), NAMES[function]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=seconds)
    with queue_with(VisibilityTimeout=str(seconds + 2)):
        yield
    functions.update_function_configuration(FunctionName=name, Timeout=before)


def run(name, act, rows, faults, tenant=None):
    """Does the work under faults, and compares what is stored with what was sent."""
    # What is sent for contacts that are there changes them.
    version, company = (2, "Acme") if tenant else (1, None)
    tenant = tenant or Tenant()
    tenant.retried, before = 0, PROXY.fired
    started = time.monotonic()
    PROXY.fail(*faults)
    act(tenant, rows)
    took = time.monotonic() - started
    PROXY.heal()
    fired = PROXY.fired - before
    found = tenant.contacts()
    right = {c["email"] for c in found if c["version"] == version and c.get("company") == company}
    lost = len({workload.person(n)["email"] for n in range(rows)} - right)
    doubled = len(found) - len({contact["email"] for contact in found})
    doubled += sum(contact["version"] > version for contact in found)
    row = [name, rows, len(found), f"lost {lost}", f"doubled {doubled}", fired, tenant.retried, f"{took:.0f}"]
    print(*row, sep=" | ", flush=True)
    if lost or doubled or len(found) != rows or not fired:
        sys.exit(f"{name}: a write was lost or doubled, or there was no fault")
    return tenant


def load(tenant, rows):
    workload.load(tenant, rows, NAMES["Bucket"])


def tables_and_files():
    for kind, what in TABLES.items():
        # Clients at once, each of whose calls is tried 3 times: some fail for good.
        often = [in_a_row("dynamodb", 4 * workload.AT_ONCE, what), now_and_then("dynamodb", what)]
        made = run(f"create, tables {kind}", workload.create, SINGLES, often)
        run(f"update, tables {kind}", workload.update, SINGLES, often, made)
        run(f"batch, tables {kind}", workload.batch, ROWS, often)
        statements = in_a_row("dynamodb", 12, what, operation="BatchExecuteStatement")
        run(f"import, tables {kind}", load, ROWS, [statements, now_and_then("dynamodb", what)])
    for kind, what in FILES.items():
        run(f"import, files {kind}", load, ROWS, [in_a_row("s3", 4, what), now_and_then("s3", what)])
    slow = [now_and_then("dynamodb", SLOW), now_and_then("s3", SLOW)]
    made = run("create, all slow", workload.create, SINGLES, slow)
    run("update, all slow", workload.update, SINGLES, slow, made)
    run("batch, all slow", workload.batch, ROWS, slow)
    run("import, all slow", load, ROWS, slow)
    run("import, queue fails", load, ROWS, [in_a_row("sqs", 2, error("InternalError", 500))])


def timeouts():
    with timeout_of("ContactsFunction", 3):
        # The write that is held takes effect after its function is gone.
        hangs = {"latency": 5_000}
        held = [in_a_row("dynamodb", 4, hangs, operation="PutItem", resource=NAMES["ContactsTable"])]
        made = run("create, function times out", workload.create, SINGLES, held)
        run("update, function times out", workload.update, SINGLES, held, made)
        held = [in_a_row("dynamodb", 4, hangs, operation="BatchExecuteStatement")]
        run("batch, function times out", workload.batch, ROWS, held)
    with timeout_of("ImportFunction", 15):
        hangs = {"latency": 18_000}
        held = in_a_row("dynamodb", 2, hangs, operation="BatchExecuteStatement")
        run("import, function times out", load, ROWS, [held, in_a_row("s3", 1, hangs)])


def retries_end():
    down = {"service": "dynamodb", **TABLES["throttled"]}
    late = given_up.imported_late("NotificationDeadLetters", given_up.invoke_again, PROXY, NAMES)
    run("import, file given up and sent again", late, ROWS, [down])
    down["operation"] = "BatchExecuteStatement"
    late = given_up.imported_late("RangeDeadLetters", given_up.move_back, PROXY, NAMES)
    arn = client("sqs").get_queue_attributes(QueueUrl=NAMES["RangeDeadLetters"], AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 2}
    with queue_with(RedrivePolicy=json.dumps(policy)):
        run("import, range given up and sent again", late, ROWS, [down])
    given_up.callers_are_told(Tenant(), PROXY)


print("fault | sent | stored | lost | doubled | faults | tried again | seconds")
tables_and_files()
timeouts()
retries_end()
