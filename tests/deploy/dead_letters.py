#!/usr/bin/env python3
"""Checks of a translated template that whatever is worked off asynchronously is tried a bounded
number of times, is then kept whole, raises an alarm, and that infra/README.md tells what to do.

usage: dead_letters.py translated.json
"""

import json
import pathlib
import sys

README = (pathlib.Path(__file__).parents[2] / "infra" / "README.md").read_text(encoding="utf-8")
KEPT_S = 14 * 24 * 60 * 60

with open(sys.argv[1], encoding="utf-8") as file:
    RESOURCES = json.load(file)["Resources"]
faults = []


def of_type(kind):
    return [(name, found["Properties"]) for name, found in RESOURCES.items() if found["Type"] == kind]


def name_in(reference):
    """Gives the resource that a `Ref` or `Fn::GetAtt` is about."""
    if isinstance(reference, dict):
        found = reference.get("Ref") or reference.get("Fn::GetAtt", [None])
        return found.split(".")[0] if isinstance(found, str) else found[0]
    return None


def check(holds, told):
    if not holds:
        faults.append(told)


def alarmed(metric, resource):
    """Finds an alarm on a metric of a resource, of which the manual knows."""
    for name, alarm in of_type("AWS::CloudWatch::Alarm"):
        watched = [name_in(dimension["Value"]) for dimension in alarm.get("Dimensions", [])]
        if alarm.get("MetricName") == metric and resource in watched:
            check(alarm.get("AlarmActions"), f"{name} tells nobody")
            check(name in README, f"infra/README.md does not tell what to do about {name}")
            return True
    return False


def keeps(who, destination):
    """A queue that nobody works off keeps what it gets for as long as SQS does."""
    name = name_in(destination)
    kind = RESOURCES.get(name, {}).get("Type")
    check(kind in ("AWS::SQS::Queue", "AWS::S3::Bucket"), f"{who} has no place for what fails")
    if kind == "AWS::SQS::Queue":
        retention = RESOURCES[name]["Properties"].get("MessageRetentionPeriod")
        check(retention == KEPT_S, f"{name} keeps messages for {retention} s")
        check(alarmed("ApproximateNumberOfMessagesVisible", name), f"no alarm watches {name}")


def check_source(name, source):
    function = name_in(source["FunctionName"])
    origin = name_in(source["EventSourceArn"])
    reports = source.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
    check(reports, f"{name} takes one failure for a failure of the batch")
    if RESOURCES[origin]["Type"] == "AWS::SQS::Queue":
        queue = RESOURCES[origin]["Properties"]
        redrive = queue.get("RedrivePolicy", {})
        check(1 < redrive.get("maxReceiveCount", 0) <= 10, f"{origin} is not tried a bounded number of times")
        timeout = RESOURCES[function]["Properties"]["Timeout"]
        check(queue.get("VisibilityTimeout", 30) > timeout, f"{origin} shows messages that are being worked on")
        keeps(origin, redrive.get("deadLetterTargetArn"))
    else:
        check(source.get("MaximumRetryAttempts", -1) > 0, f"{name} tries a poison record until it expires")
        check(source.get("MaximumRecordAgeInSeconds", -1) > 0, f"{name} holds its shard up for a day")
        check(source.get("BisectBatchOnFunctionError"), f"{name} throws good records away with a bad one")
        check(alarmed("IteratorAge", function), f"no alarm watches how far {function} is behind")
        failed = source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        # To a queue a stream's records go without their content.
        whole = RESOURCES.get(name_in(failed), {}).get("Type") == "AWS::S3::Bucket"
        check(whole, f"{name} does not keep what fails whole")
    return f"{origin} -> {function}"


def check_invoked(function, by):
    """What S3, EventBridge or SNS hand over is tried by Lambda itself."""
    for name, config in of_type("AWS::Lambda::EventInvokeConfig"):
        if name_in(config["FunctionName"]) == function:
            check(0 < config.get("MaximumRetryAttempts", -1) <= 2, f"{name} does not say how often it tries")
            keeps(function, config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
            return f"{by} -> {function}"
    check(False, f"{function} is invoked by {by} and has no EventInvokeConfig")
    return f"{by} -> {function}"


def check_target(name, target):
    check("MaximumRetryAttempts" in target.get("RetryPolicy", {}), f"{name} does not say how often it tries")
    keeps(name, target.get("DeadLetterConfig", {}).get("Arn"))
    return f"{name} -> {name_in(target['Arn'])}"


paths = [check_source(name, source) for name, source in of_type("AWS::Lambda::EventSourceMapping")]
for _, permission in of_type("AWS::Lambda::Permission"):
    by = permission["Principal"].split(".")[0]
    if by in ("s3", "sns", "events"):
        paths.append(check_invoked(name_in(permission["FunctionName"]), by))
for name, rule in of_type("AWS::Events::Rule"):
    paths += [check_target(name, target) for target in rule["Targets"]]
for name, schedule in of_type("AWS::Scheduler::Schedule"):
    paths.append(check_target(name, schedule["Target"]))
for path in sorted(set(paths)):
    print(f"asynchronous: {path}")
sys.exit("\n".join(faults) or (None if paths else "there is nothing asynchronous"))
