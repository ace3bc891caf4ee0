"""Reads the streams of tables for their functions as AWS does, in the place of what ministack 1.5.33
does: there one function that waits keeps all queues waiting, records that a function says it failed
are passed over, and nothing is halved, given up or kept."""

import json
import logging
import os
import threading
import time
import urllib.request
import uuid

from ministack.services import dynamodb, lambda_svc

logger = logging.getLogger(__name__)
IDLE_S = 0.05
# AWS waits longer each time, too, and does not say how long.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 2
SHARD = "shardId-00000000000000000000-00000000"


class Reader:
    """Follows one stream for one function, from its first record on."""

    def __init__(self, mapping):
        self.mapping = mapping
        self.table = mapping["EventSourceArn"].split("/stream/")[0].split("/")[-1]
        self.position, self.at_most = 0, None
        # Of any batch, and of a record by itself.
        self.failures, self.tries = 0, 0

    def follow(self, account, region):
        lambda_svc._request_account_id.set(account)
        lambda_svc._request_region.set(region)
        while self.mapping["UUID"] in lambda_svc._esms and self.table in dynamodb._tables:
            try:
                is_busy = self.mapping.get("Enabled", True) and self.step()
            except Exception:
                logger.exception("the reader of %s goes on", self.table)
                is_busy = False
            if not is_busy:
                time.sleep(IDLE_S)

    def step(self):
        """Hands one batch over; false where there is none."""
        self.position = max(self.position, dynamodb.stream_start_position(self.table))
        size = min(self.at_most or 10_000, self.mapping.get("BatchSize", 100))
        records = list(dynamodb.stream_records_since(self.table, self.position, size))
        if not records:
            return False
        wanted = lambda_svc._apply_filter_criteria(records, self.mapping)
        if not wanted:
            self.passed(len(records))
            return True
        function, _ = lambda_svc._get_func_record_for_qualifier(
            self.mapping["FunctionName"], self.mapping.get("Qualifier")
        )
        if function is None:
            return False
        event = {"Records": wanted}
        failed = first_failed(lambda_svc._execute_function(function, event), wanted)
        if failed is None:
            self.passed(len(records))
        elif failed > 0:
            # What was done before it is done for good.
            self.passed(records.index(wanted[failed]))
        else:
            self.failed(len(records), event)
        return True

    def passed(self, count):
        """Goes on behind so many records, with more at a time than before."""
        self.position += count
        self.failures, self.tries = 0, 0
        self.at_most = self.at_most and self.at_most * 2

    def failed(self, count, event):
        """Halves a batch whose first record failed, or all of it; gives a record up that goes on failing."""
        self.failures += 1
        self.tries += count == 1
        if count > 1 and self.mapping.get("BisectBatchOnFunctionError"):
            self.at_most = count // 2
        if 0 <= self.mapping.get("MaximumRetryAttempts", -1) < self.tries:
            self.keep(event)
            self.passed(1)
            # What it stood among is not put together again before something passes.
            self.at_most = 1
        else:
            time.sleep(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self.failures, 10)))

    def keep(self, event):
        """Puts what is given up into the bucket, as AWS does."""
        bucket = self.mapping["DestinationConfig"]["OnFailure"]["Destination"].rsplit(":", 1)[1]
        kept = {
            "requestContext": {
                "functionArn": self.mapping["FunctionArn"],
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self.tries,
            },
            "version": "1.0",
            "DDBStreamBatchInfo": {"shardId": SHARD, "streamArn": self.mapping["EventSourceArn"], "batchSize": 1},
            "payload": json.dumps(event, default=str),
        }
        now = time.gmtime()
        name = f"{time.strftime('%Y/%m/%d/%Y-%m-%dT%H.%M.%S', now)}-{uuid.uuid4()}"
        url = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/{bucket}/aws/lambda/{self.mapping['UUID']}/{SHARD}/{name}"
        request = urllib.request.Request(url, json.dumps(kept).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=60).read()


def first_failed(result, records):
    """Gives the place of the first record that was not handled, or nothing."""
    if result.get("error"):
        return 0
    answer = result.get("body")
    answer = json.loads(answer) if isinstance(answer, str) else answer
    failed = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures") or []}
    places = [place for place, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] in failed]
    # An identifier that nobody knows stands for all of them.
    return min(places, default=0) if failed else None


followed = set()


def poll():
    """Starts a reader for each function that has a stream and none yet."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        if ":dynamodb:" in mapping.get("EventSourceArn", "") and mapping["UUID"] not in followed:
            followed.add(mapping["UUID"])
            reader = Reader(mapping)
            threading.Thread(target=reader.follow, args=(account, region), daemon=True).start()
    return False


lambda_svc._poll_dynamodb_streams = poll
