"""What a person does with boto3: deploy at one node, invoke at another. Prints ok as its last line."""
import io, json, sys, time, zipfile
import boto3
from botocore.exceptions import ClientError

here, there = (boto3.client("lambda", endpoint_url=url) for url in sys.argv[1:3])


def zipped(name, source):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, source)
    return buffer.getvalue()


ROLE = "arn:aws:iam::000000000000:role/any"
layer = here.publish_layer_version(
    LayerName="greet", Content={"ZipFile": zipped("nodejs/node_modules/greet/index.js", "module.exports = (name) => 'hello ' + name")}
)
here.create_function(
    FunctionName="hello", Role=ROLE, Runtime="nodejs18.x", Handler="index.handler", Layers=[layer["LayerVersionArn"]], Tags={"a": "b"},
    Code={"ZipFile": zipped("index.mjs", "import greet from 'greet'; export const handler = async (event) => greet(event.name)")},
)
here.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 1})
assert here.publish_version(FunctionName="hello")["Version"] == "1"
here.get_waiter("published_version_active").wait(FunctionName="hello", Qualifier="1", WaiterConfig={"Delay": 1})
here.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
assert here.list_tags(Resource="arn:aws:lambda:us-east-1:000000000000:function:hello")["Tags"] == {"a": "b"}
for attempt in range(100):
    try:
        answer = there.invoke(FunctionName="hello", Qualifier="live", Payload=json.dumps({"name": "Ada"}), LogType="Tail")
        break
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException", error
        time.sleep(0.1)
assert answer["ExecutedVersion"] == "1" and json.load(answer["Payload"]) == "hello Ada"
assert "REPORT" in __import__("base64").b64decode(answer["LogResult"]).decode()
here.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
try:
    here.invoke(FunctionName="hello")
    raise AssertionError("not throttled")
except here.exceptions.TooManyRequestsException as error:
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", error.response
versions = [one["Version"] for page in here.get_paginator("list_versions_by_function").paginate(FunctionName="hello") for one in page["Versions"]]
assert versions == ["$LATEST", "1"], versions
assert here.delete_function(FunctionName="hello")["ResponseMetadata"]["HTTPStatusCode"] == 204
print("ok")
