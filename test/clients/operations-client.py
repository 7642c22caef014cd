"""One operation of boto3's Lambda client per line of standard input: [name, input]; answers ["ok", output], ["unknown"] or ["error", why]."""
import base64, datetime, json, sys
import boto3
from botocore import xform_name

client = boto3.client("lambda", endpoint_url=sys.argv[1])


def plain(value):
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if hasattr(value, "read"):
        return value.read().decode()
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def with_bytes(value):
    if isinstance(value, dict):
        return base64.b64decode(value["$bytes"]) if "$bytes" in value else {key: with_bytes(one) for key, one in value.items()}
    return value


for line in sys.stdin:
    name, parameters = json.loads(line)
    method = getattr(client, xform_name(name), None)
    try:
        answer = ["unknown"] if method is None else ["ok", plain(method(**with_bytes(parameters)))]
    except Exception as error:
        answer = ["error", f"{type(error).__name__}: {error}"]
    print(json.dumps(answer, default=str), flush=True)
