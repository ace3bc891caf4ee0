#!/usr/bin/env python3
"""Writes under one fault after another, and prints what became of each row.

usage: faults.py PROXY STACK ROWS [PART ...]    LEADS_URL and LEADS_ADMIN_KEY in the environment
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import sys
import time
import typing

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


@dataclasses.dataclass
class Work:
    """Something that is done to a tenant, and how to see that it was done."""

    name: str
    act: typing.Callable
    rows: int
    # What is sent for contacts that are there changes them.
    tenant: Tenant = None
    rules: tuple = None
    count: str = "/api/v1/contacts/count?query=first_name:Name*"

    def __post_init__(self):
        self.rules = self.rules or (stored_once(2, "Acme") if self.tenant else stored_once(1))
        self.tenant = self.tenant or Tenant()
        self.tenant.retried, self.took = 0, 0

    def do(self):
        started = time.monotonic()
        self.act(self.tenant, self.rows)
        self.took = time.monotonic() - started

    def compare(self, fired):
        """Compares what is stored with what was sent."""
        is_right, is_doubled = self.rules
        found = self.tenant.contacts()
        right = {contact["email"] for contact in found if is_right(contact)}
        lost = len({workload.person(n)["email"] for n in range(self.rows)} - right)
        doubled = len(found) - len({contact["email"] for contact in found})
        doubled += sum(map(is_doubled, found))
        counted = workload.counted(self.tenant, self.rows, self.count)
        row = [self.name, self.rows, len(found), counted, f"lost {lost}", f"doubled {doubled}", fired]
        print(*row, self.tenant.retried, f"{self.took:.0f}", sep=" | ", flush=True)
        if lost or doubled or not len(found) == self.rows == counted or not fired:
            sys.exit(f"{self.name}: a write was lost or doubled, a count is wrong, or there was no fault")


def run_together(faults, *works):
    """Does work side by side under faults, and compares what is stored with what was sent."""
    before = PROXY.fired
    PROXY.fail(*faults)
    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(Work.do, works))
    PROXY.heal()
    fired = PROXY.fired - before
    for work in works:
        work.compare(fired)


def run(name, act, rows, faults, *more):
    work = Work(name, act, rows, *more)
    run_together(faults, work)
    return work.tenant


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
    scored = (tenant, scored_once(tenant))

    def events(tenant, rows):
        workload.events(tenant, rows)
        # What is delivered again, too.
        workload.settled(lambda: not given_up.messages(NAMES["EventQueue"]))

    # What fails is seen again after minutes.
    with queue_with("EventQueue", VisibilityTimeout="3"), queue_with("RefoldQueue", VisibilityTimeout="3"):
        for kind, what in TABLES.items():
            often = [in_a_row("dynamodb", 12, what), now_and_then("dynamodb", what)]
            run(f"events, tables {kind}", events, ROWS, often, *scored)
            run(f"rules of scoring, tables {kind}", workload.refold, ROWS, often, *scored)
        run("events, tables slow", events, ROWS, [now_and_then("dynamodb", SLOW)], *scored)
        bus = [in_a_row("events", 4, error("InternalException", 500)), now_and_then("events", RESET)]
        run("events, bus fails", events, ROWS, bus, *scored)
    with timeout_of("ScoringFunction", 4, "EventQueue"):
        held = [in_a_row("dynamodb", 3, {"latency": 6_000}, operation="TransactWriteItems")]
        run("events, function times out", events, ROWS, held, *scored)
    often = [rule for what in TABLES.values() for rule in (in_a_row("dynamodb", 8, what), now_and_then("dynamodb", what))]
    for how, put in [("", workload.listed), (" in the background", workload.listed_behind)]:
        made = tenant.patient("POST", "/api/v1/lists", {"name": f"All{how}", "type": "static"}, workload.once())["id"]
        on_list = (lambda contact, made=made: made in contact["lists"], lambda _: False)
        add = functools.partial(put, name=made, begin=send_tick)
        # What a tick left undone is not to wait for minutes.
        with queue_with("ClockQueue", VisibilityTimeout="3", RedrivePolicy=policy("ClockDeadLetters", 100)):
            name = f"on a list{how}, tables fail in all ways"
            run(name, add, ROWS, often, tenant, on_list, f"/api/v1/lists/{made}/count")


FADED = (lambda contact: contact["score"] == 0, lambda contact: contact["score"] < 0)


def time_passes():
    """Points that expire: under faults, and after ticks of the clock were given up."""
    often = [rule for what in TABLES.values() for rule in (in_a_row("dynamodb", 8, what), now_and_then("dynamodb", what))]
    tenant, dead = Tenant(), "ClockDeadLetters"
    workload.fading(tenant, SINGLES)
    # Nobody is sent for a second time before minutes are over.
    with queue_with("ClockQueue", VisibilityTimeout="3", RedrivePolicy=policy(dead, 100)):
        run("points expire, tables fail in all ways", tick, SINGLES, often, tenant, FADED)
    tenant, done = Tenant(), workload.have_faded
    workload.fading(tenant, SINGLES)
    late = given_up.worked_off("ClockFunction", "ClockQueue", dead, send_tick, done, PROXY, STACK, NAMES)
    with queue_with("ClockQueue", RedrivePolicy=policy(dead), VisibilityTimeout="2"):
        run("ticks given up and sent again", late, SINGLES, [], tenant, FADED)


def tick(tenant, _=None):
    """Lets the clock do what is due."""
    send_tick()
    workload.settled(lambda: workload.have_faded(tenant))


def send_tick(*_):
    client("sqs").send_message(QueueUrl=NAMES["ClockQueue"], MessageBody='"tick"')


def timeouts():
    hangs = {"latency": 5_000}
    with timeout_of("ContactsFunction", 3):
        # The write that is held takes effect after its function is gone. Side by side: both wait for
        # a minute, as long as a key of idempotency is taken.
        held = in_a_row("dynamodb", 4, hangs, operation="PutItem", resource=NAMES["ContactsTable"])
        batches = in_a_row("dynamodb", 4, hangs, operation="BatchExecuteStatement")
        create = Work("create, function times out", workload.create, SINGLES)
        run_together([held, batches], create, Work("batch, function times out", workload.batch, ROWS))
        run("update, function times out", workload.update, SINGLES, [held], create.tenant)
    with timeout_of("ImportFunction", 15):
        hangs = {"latency": 18_000}
        held = in_a_row("dynamodb", 2, hangs, operation="BatchExecuteStatement")
        run("import, function times out", load, ROWS, [held, in_a_row("s3", 1, hangs)])


def policy(dead_letters, times=2):
    """Gives up sooner than the template says, or later."""
    arn = client("sqs").get_queue_attributes(QueueUrl=NAMES[dead_letters], AttributeNames=["QueueArn"])
    return json.dumps({"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": times})


def retries_end():
    down = {"service": "dynamodb", **TABLES["throttled"]}
    late = given_up.imported("NotificationDeadLetters", PROXY, STACK, NAMES)
    run("file given up and sent again", late, ROWS, [down])
    down["operation"] = "BatchExecuteStatement"
    late = given_up.imported("RangeDeadLetters", PROXY, STACK, NAMES)
    with queue_with(RedrivePolicy=policy("RangeDeadLetters")):
        run("range given up and sent again", late, ROWS, [down])
    few = min(ROWS, 60)
    tenant = Tenant()
    workload.batch(tenant, few)
    for name, function, queue, send, is_done in [
        ("events", "ScoringFunction", "Event", workload.send_events, workload.are_scored),
        ("contacts to score by other rules", "ScoringFunction", "Refold", workload.publish, workload.is_refolded),
    ]:
        dead = f"{queue}DeadLetters"
        late = given_up.worked_off(function, f"{queue}Queue", dead, send, is_done, PROXY, STACK, NAMES)
        with queue_with(f"{queue}Queue", RedrivePolicy=policy(dead), VisibilityTimeout="2"):
            run(f"{name} given up and sent again", late, few, [], tenant, scored_once(tenant))


def readers_give_up():
    tenant = Tenant()
    late = given_up.streamed(PROXY, STACK, NAMES)
    run("changes given up by both readers of the stream and sent again", late, 10, [], tenant, scored_once(tenant))


def nothing_succeeds():
    given_up.callers_are_told(Tenant(), PROXY)


PARTS = {
    "tables": tables_and_files,
    "engagement": engagement,
    "clock": time_passes,
    "timeouts": timeouts,
    "retries": retries_end,
    "readers": readers_give_up,
    "nothing": nothing_succeeds,
}
print("fault | sent | stored | counted | lost | doubled | faults | tried again | seconds")
for part in sys.argv[4:] or PARTS:
    PARTS[part]()
