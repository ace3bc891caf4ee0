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
from rules import FILES, RESET, SLOW, TABLES, Proxy, error, in_a_row, now_and_then
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
def queue_with(name="RangeQueue", **attributes):
    """Gives a queue other attributes for a while."""
    queues, queue = client("sqs"), {"QueueUrl": NAMES[name]}
    before = queues.get_queue_attributes(**queue, AttributeNames=list(attributes))["Attributes"]
    queues.set_queue_attributes(**queue, Attributes=attributes)
    yield
    queues.set_queue_attributes(**queue, Attributes=before)


@contextlib.contextmanager
def timeout_of(function, seconds, queue="RangeQueue"):
    """Lets a function time out soon, and what it held be delivered again soon after."""
    functions, name = client("lambda"), NAMES[function]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=seconds)
    with queue_with(queue, VisibilityTimeout=str(seconds + 2)):
        yield
    functions.update_function_configuration(FunctionName=name, Timeout=before)


def stored_once(version, company=None):
    """A contact is as it was sent, and was written no more often than that."""
    return (
        lambda contact: contact["version"] == version and contact.get("company") == company,
        lambda contact: contact["version"] > version,
    )


def scored_once(tenant):
    """A contact has the points of its events, and no others."""
    return (
        lambda contact: contact["score"] == workload.points(tenant, contact),
        lambda contact: contact["score"] > workload.points(tenant, contact),
    )


def run(name, act, rows, faults, tenant=None, rules=None, count="/api/v1/contacts/count?query=first_name:Name*"):
    """Does the work under faults, and compares what is stored with what was sent."""
    # What is sent for contacts that are there changes them.
    is_right, is_doubled = rules or (stored_once(2, "Acme") if tenant else stored_once(1))
    tenant = tenant or Tenant()
    tenant.retried, before = 0, PROXY.fired
    started = time.monotonic()
    PROXY.fail(*faults)
    act(tenant, rows)
    took = time.monotonic() - started
    PROXY.heal()
    fired = PROXY.fired - before
    found = tenant.contacts()
    right = {contact["email"] for contact in found if is_right(contact)}
    lost = len({workload.person(n)["email"] for n in range(rows)} - right)
    doubled = len(found) - len({contact["email"] for contact in found})
    doubled += sum(map(is_doubled, found))
    counted = workload.counted(tenant, rows, count)
    row = [name, rows, len(found), counted, f"lost {lost}", f"doubled {doubled}", fired, tenant.retried, f"{took:.0f}"]
    print(*row, sep=" | ", flush=True)
    if lost or doubled or not len(found) == rows == counted or not fired:
        sys.exit(f"{name}: a write was lost or doubled, a count is wrong, or there was no fault")
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


def engagement():
    """What happens to contacts, over bus and queue, and what their lists and scores become."""
    tenant = Tenant()
    workload.batch(tenant, ROWS)
    tenant.list = tenant.patient("POST", "/api/v1/lists", {"name": "All", "type": "static"}, workload.once())["id"]
    of_list = f"/api/v1/lists/{tenant.list}/count"
    # What fails is seen again after minutes.
    with queue_with("EventQueue", VisibilityTimeout="3"), queue_with("RefoldQueue", VisibilityTimeout="3"):
        for kind, what in TABLES.items():
            often = [in_a_row("dynamodb", 12, what), now_and_then("dynamodb", what)]
            run(f"events, tables {kind}", workload.events, ROWS, often, tenant, scored_once(tenant))
            run(f"rules of scoring, tables {kind}", workload.refold, ROWS, often, tenant, scored_once(tenant))
        slow = [now_and_then("dynamodb", SLOW)]
        run("events, tables slow", workload.events, ROWS, slow, tenant, scored_once(tenant))
        bus = [in_a_row("events", 4, error("InternalException", 500)), now_and_then("events", RESET)]
        run("events, bus fails", workload.events, ROWS, bus, tenant, scored_once(tenant))
    with timeout_of("ScoringFunction", 4, "EventQueue"):
        held = [in_a_row("dynamodb", 3, {"latency": 6_000}, operation="TransactWriteItems")]
        run("events, function times out", workload.events, ROWS, held, tenant, scored_once(tenant))
    on_list = (lambda contact: contact["lists"] == [tenant.list], lambda _: False)
    often = [rule for what in TABLES.values() for rule in (in_a_row("dynamodb", 8, what), now_and_then("dynamodb", what))]
    run("on a list, tables fail in all ways", workload.listed, ROWS, often, tenant, on_list, of_list)


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


def policy(dead_letters):
    """Gives up sooner than the template says."""
    arn = client("sqs").get_queue_attributes(QueueUrl=NAMES[dead_letters], AttributeNames=["QueueArn"])
    return json.dumps({"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 2})


def retries_end():
    down = {"service": "dynamodb", **TABLES["throttled"]}
    late = given_up.imported_late("NotificationDeadLetters", given_up.invoke_again, PROXY, NAMES)
    run("import, file given up and sent again", late, ROWS, [down])
    down["operation"] = "BatchExecuteStatement"
    late = given_up.imported_late("RangeDeadLetters", given_up.move_back, PROXY, NAMES)
    with queue_with(RedrivePolicy=policy("RangeDeadLetters")):
        run("import, range given up and sent again", late, ROWS, [down])
    few = min(ROWS, 60)
    for queue, dead, send, is_done in [
        ("EventQueue", "EventDeadLetters", workload.send_events, workload.are_scored),
        ("RefoldQueue", "RefoldDeadLetters", workload.publish, workload.is_refolded),
    ]:
        tenant = Tenant()
        workload.batch(tenant, few)
        workload.events(tenant, few)
        late = given_up.given_up(queue, dead, send, is_done, PROXY, NAMES)
        with queue_with(queue, RedrivePolicy=policy(dead), VisibilityTimeout="2"):
            run(f"{queue} given up and sent again", late, few, [], tenant, scored_once(tenant))
    run("index, changes given up and sent again", given_up.unindexed(PROXY, NAMES), 10, [])
    given_up.callers_are_told(Tenant(), PROXY)


print("fault | sent | stored | counted | lost | doubled | faults | tried again | seconds")
tables_and_files()
engagement()
timeouts()
retries_end()
