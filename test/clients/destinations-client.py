"""Places for records at a server of those protocols that is not ours, and what came there. Speaks boto3, as a user would."""
import json
import sys
import time

import boto3

endpoint, command = sys.argv[1:3]
REGION = "eu-central-1"


def client(service):
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s"
    )


if command == "make":
    queue = client("sqs").create_queue(QueueName="records")["QueueUrl"]
    queue_arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    heard = client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    heard_arn = client("sqs").get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard_arn, Attributes={"RawMessageDelivery": "true"})
    client("kinesis").create_stream(StreamName="tale", ShardCount=1)
    stream = client("kinesis").describe_stream(StreamName="tale")["StreamDescription"]["StreamARN"]
    client("s3").create_bucket(Bucket="lost-and-found", CreateBucketConfiguration={"LocationConstraint": REGION})
    bus = client("events").create_event_bus(Name="results")["EventBusArn"]
    client("events").put_rule(Name="all", EventBusName="results", EventPattern=json.dumps({"source": ["lambda"]}))
    client("events").put_targets(Rule="all", EventBusName="results", Targets=[{"Id": "q", "Arn": heard_arn}])
    print(json.dumps({"queue": queue_arn, "topic": topic, "stream": stream, "bus": bus, "bucket": "arn:aws:s3:::lost-and-found"}))


def messages(name):
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    ).get("Messages", [])


def objects():
    s3 = client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="lost-and-found").get("Contents", [])]
    return {key: s3.get_object(Bucket="lost-and-found", Key=key)["Body"].read().decode() for key in keys}


def records():
    kinesis = client("kinesis")
    shard = kinesis.describe_stream(StreamName="tale")["StreamDescription"]["Shards"][0]["ShardId"]
    at = kinesis.get_shard_iterator(StreamName="tale", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [[one["PartitionKey"], one["Data"].decode()] for one in kinesis.get_records(ShardIterator=at)["Records"]]


if command == "seen":
    for _ in range(100):
        seen = {"queue": messages("records"), "heard": messages("heard"), "objects": objects(), "records": records()}
        if seen["queue"] and len(seen["heard"]) > 1 and seen["objects"] and seen["records"]:
            break
        time.sleep(0.1)
    print(json.dumps(seen, default=str))
