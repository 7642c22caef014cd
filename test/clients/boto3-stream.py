"""InvokeWithResponseStream with boto3 where it knows it, else with botocore's own signer and event stream decoder. Prints ok as its last line."""
import http.client, json, sys
from urllib.parse import urlsplit
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.eventstream import EventStreamBuffer

here, there = (boto3.client("lambda", endpoint_url=url) for url in sys.argv[1:3])


def by_client(client, event):
    for part in client.invoke_with_response_stream(FunctionName="streams", Payload=json.dumps(event))["EventStream"]:
        if "PayloadChunk" in part:
            yield part["PayloadChunk"]["Payload"]
        else:
            yield part["InvokeComplete"]


def by_hand(client, event):
    url = client.meta.endpoint_url + "/2021-11-15/functions/streams/response-streaming-invocations"
    request = AWSRequest(method="POST", url=url, data=json.dumps(event))
    SigV4Auth(boto3.Session().get_credentials(), "lambda", client.meta.region_name).add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", urlsplit(url).path, request.data, dict(request.headers))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.getheader("content-type") == "application/vnd.amazon.eventstream"
    events = EventStreamBuffer()
    while data := answer.read1(65536):
        events.add_data(data)
        for part in events:
            if part.headers[":event-type"] == "PayloadChunk":
                yield part.payload
            else:
                assert part.headers[":event-type"] == "InvokeComplete", part.headers
                yield json.loads(part.payload)


known = hasattr(here, "invoke_with_response_stream")
stream = by_client if known else by_hand
for client in (here, there):
    *chunks, complete = stream(client, {"mode": "words"})
    assert b"".join(chunks) == b"one two three" and "ErrorCode" not in complete, (chunks, complete)
    *chunks, complete = stream(client, {"mode": "fail"})
    assert chunks == [b"part"] and complete["ErrorCode"] == "Unhandled", (chunks, complete)
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "midway", complete
    *chunks, complete = stream(client, {"mode": "large"})
    assert sum(map(len, chunks)) == 5_000_000, complete
print("by the client" if known else "by hand: this boto3 does not know the operation")
print("ok")
