#!/usr/bin/env python3
"""Prints tables of cost and capacity for infra/README.md.

usage: cost.py template.yaml < what `bench --json` measured
"""

import json
import re
import sys

# Dollars, us-east-1, on demand, without free tier, savings plan or tax; November 2025.
WRITE_UNIT = 0.625 / 1e6
READ_UNIT = 0.125 / 1e6
TABLE_GB_MONTH = 0.25
RECOVERY_GB_MONTH = 0.20
HTTP_REQUEST = 1.00 / 1e6
INVOCATION = 0.20 / 1e6
ARM_GB_S = 0.0000133334
S3_WRITE = 5.00 / 1e6
S3_READ = 0.40 / 1e6
S3_GB_MONTH = 0.023
QUEUE_REQUEST = 0.40 / 1e6
BUS_EVENT = 1.00 / 1e6
LOG_GB = 0.50
ALARM_MONTH = 0.10
DASHBOARD_MONTH = 3.00

# Assumed, as nothing of it was measured on AWS.
API_GB, IMPORT_GB = 512 / 1024, 1769 / 1024
BILLED_MS = {"batch of 100": 250, "page of 50": 60}
BILLED_MS_ELSE = 20
EVENTS_BILLED_MS = {1: 30, 100: 400}  # of a batch that scoring takes, and as much again of the indexer
STEP_BILLED_MS = 5
LOG_BYTES = 1_000  # the access log's line, and Lambda's own two
ROWS_A_SECOND = 1_000  # of one loader
CONTACT_BYTES = 800  # of an item, with its slot
FILE_BYTES_A_ROW = 150

# What a region gives, and what can be raised.
PARTITION_WRITES = 1_000
SHARDS = 16
GATEWAY_REQUESTS = 10_000
CONCURRENCY = 1_000

MEASURED = {found["name"]: found["value"] for found in map(json.loads, sys.stdin)}
with open(sys.argv[1], encoding="utf-8") as file:
    TEMPLATE = file.read()


def parameter(name):
    return int(re.search(rf"^  {name}:\n(?:    .*\n)*?    Default: (\d+)$", TEMPLATE, re.M)[1])


def table(*rows):
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows[1:]:
        print("| " + " | ".join(row) + " |")
    print()


# What has such units besides, and is told elsewhere.
NO_REQUESTS = {"one more", "one that comes late", "a step of decay", "the first tick", "another tick"}


def requests():
    """Dollars for a million requests of each kind."""
    rows = [("a million requests", "write / read units each", "tables", "function", "API, logs", "together")]
    kinds = [name.removesuffix(": write units") for name in MEASURED if name.endswith(": write units")]
    for kind in [kind for kind in kinds if kind not in NO_REQUESTS]:
        writes, reads = MEASURED[f"{kind}: write units"], MEASURED[f"{kind}: read units"]
        tables = 1e6 * (writes * WRITE_UNIT + reads * READ_UNIT)
        seconds = BILLED_MS.get(kind, BILLED_MS_ELSE) / 1e3
        function = 1e6 * (INVOCATION + seconds * API_GB * ARM_GB_S)
        edge = 1e6 * (HTTP_REQUEST + LOG_BYTES / 1e9 * LOG_GB)
        dollars = [f"${cost:.2f}" for cost in (tables, function, edge, tables + function + edge)]
        rows.append((kind, f"{writes:.2f} / {reads:.2f}", *dollars))
    return rows


def imports():
    """Dollars for importing a million rows."""
    writes, reads = MEASURED["import: write units a row"], MEASURED["import: read units a row"]
    seconds = 1e6 / ROWS_A_SECOND
    calls = 1e6 / 2_000  # an object, a message and a checkpoint now and then; the units have the checkpoints
    parts = {
        f"tables: {writes:.2f} write, {reads:.2f} read units a row": 1e6 * (writes * WRITE_UNIT + reads * READ_UNIT),
        f"function: {seconds:.0f} s": seconds * IMPORT_GB * ARM_GB_S,
        "files: stored for 90 days, written and read": 3 * 1e6 * FILE_BYTES_A_ROW / 1e9 * S3_GB_MONTH
        + calls * (S3_WRITE + S3_READ + QUEUE_REQUEST),
    }
    rows = [("a million imported rows", "cost"), *((name, f"${cost:.3f}") for name, cost in parts.items())]
    return [*rows, ("together", f"${sum(parts.values()):.2f}")]


def worked_off():
    """Dollars for a million of what happens behind the API."""
    rows = [("a million", "write / read units each", "tables", "functions", "bus, queue", "together")]

    def add(name, writes, reads, seconds, gigabytes, moved):
        tables = 1e6 * (writes * WRITE_UNIT + (reads or 0) * READ_UNIT)
        function = 1e6 * seconds * gigabytes * ARM_GB_S
        dollars = [f"${cost:.2f}" for cost in (tables, function, 1e6 * moved, tables + function + 1e6 * moved)]
        rows.append((name, f"{writes:.2f} / " + ("not measured" if reads is None else f"{reads:.2f}"), *dollars))

    for size, billed_ms in EVENTS_BILLED_MS.items():
        measured = f"in batches of {size}: "
        writes = MEASURED[measured + "write units an event"] + MEASURED[measured + "index units an event"]
        # Sent to the queue one by one, received and deleted by the ten.
        moved = BUS_EVENT + QUEUE_REQUEST * (1 + 2 / min(size, 10)) + 2 * INVOCATION / size
        name = "engagement events, alone" if size == 1 else f"engagement events, {size} together"
        add(name, writes, None, 2 * billed_ms / size / 1e3, API_GB, moved)
    step = "a step of decay"
    writes = MEASURED[f"{step}: write units"] + MEASURED[f"{step}, of many: index units"]
    add("steps of decay", writes, MEASURED[f"{step}: read units"], STEP_BILLED_MS / 1e3, IMPORT_GB, 0)
    return rows


def segments():
    """Units and dollars of segments, which grow slowly with the tenant."""
    rows = [("of 10,000 contacts", "write / read units", "a million times")]
    for name, measured in [
        ("counts of 200 segments, at one request", "200 segments"),
        ("a tick of the clock, two watched segments", "another tick"),
    ]:
        writes, reads = MEASURED.get(f"{measured}: write units", 0), MEASURED[f"{measured}: read units"]
        rows.append((name, f"{writes:.2f} / {reads:.2f}", f"${1e6 * (writes * WRITE_UNIT + reads * READ_UNIT):.2f}"))
    entered = MEASURED["the first tick of two segments: contacts that enter"]
    writes = MEASURED["the first tick: write units"] / entered
    reads = MEASURED["the first tick: read units"] / entered
    dollars = 1e6 * (writes * WRITE_UNIT + reads * READ_UNIT)
    rows.append((f"a transition, where {entered:.0f} enter at once", f"{writes:.3f} / {reads:.3f}", f"${dollars:.2f}"))
    return rows


def kept():
    """Dollars a month for what is kept, and for an empty stack."""
    alarms = len(re.findall(r"Type: AWS::CloudWatch::Alarm", TEMPLATE))
    gigabytes = 1e6 * CONTACT_BYTES / 1e9
    return [
        ("a month", "cost"),
        (f"a million contacts of {CONTACT_BYTES} bytes", f"${gigabytes * TABLE_GB_MONTH:.2f}"),
        ("their point-in-time recovery", f"${gigabytes * RECOVERY_GB_MONTH:.2f}"),
        (f"{alarms} alarms and the dashboard, used or not", f"${alarms * ALARM_MONTH + DASHBOARD_MONTH:.2f}"),
    ]


def capacity():
    """What the stack takes before something says no."""
    warm = parameter("ContactsWarmWrites")
    contact_writes = 1.0  # of a create; the slot is another table's
    ranges = parameter("ImportConcurrency")
    return [
        ("limit", "is", "so"),
        ("contacts table, from the start", f"{warm} write units/s", f"{warm / contact_writes:.0f} creates/s"),
        (
            "one tenant's partitions, when the table has split",
            f"{SHARDS} x {PARTITION_WRITES} write units/s",
            f"{SHARDS * PARTITION_WRITES} creates/s of one tenant",
        ),
        (
            "`ImportConcurrency`",
            f"{ranges} ranges x {ROWS_A_SECOND} rows/s",
            f"{min(warm, ranges * ROWS_A_SECOND)} rows/s, as the table takes no more from the start",
        ),
        ("the account's requests to HTTP APIs", f"{GATEWAY_REQUESTS}/s", f"{GATEWAY_REQUESTS} requests/s"),
        (
            "the account's concurrency of functions",
            f"{CONCURRENCY} at {BILLED_MS_ELSE} ms",
            f"{CONCURRENCY * 1_000 // BILLED_MS_ELSE} requests/s",
        ),
    ]


for rows in (requests(), imports(), worked_off(), segments(), kept(), capacity()):
    table(*rows)
