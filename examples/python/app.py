"""A function in Python: `handler(event, context)`, as on Lambda."""
import json
import os

from shop import total

calls = 0


def handler(event, context):
    global calls
    calls += 1
    items = event.get("items", [])
    print("call", calls, "with", len(items), "items, request", context.aws_request_id)
    if not items:
        raise ValueError("there is nothing in the basket")
    return {
        "currency": os.environ.get("CURRENCY", "EUR"),
        "items": len(items),
        "total": total(items),
        "calls": calls,
    }
