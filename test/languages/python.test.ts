import { createHash, createHmac } from 'node:crypto'
import { join } from 'node:path'
import { CreateFunctionCommand, InvokeCommand, Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { zipSync } from 'fflate'
import { invoke, lambdaOf, ROLE } from '../_functions.ts'
import { EXAMPLES } from './_build.ts'
import { folderOf, sharedPlace } from './_kit.ts'

const place = sharedPlace()

interface Failure {
  errorType: string
  errorMessage: string
  trace: string[]
}

const LIBRARY = `
import asyncio, base64, collections, datetime, functools, hashlib, io, json, logging, math, os, random, re, struct, sys, time
import js

def handler(event, context):
    what = event["what"]
    if what == "echo":
        return event["value"]
    if what == "library":
        logging.getLogger().setLevel(logging.INFO)
        logging.info("logged %d", 7)
        return [
            base64.b64encode(b"abc").decode(), hashlib.sha256(b"abc").digest().hex()[:8], math.sqrt(16), re.match("a(b+)", "abbb").group(1),
            collections.OrderedDict([("a", 1)])["a"], datetime.timedelta(days=1).total_seconds(), struct.pack("<I", 1).hex(),
            os.getenv("NOTHING", "default"), 0 <= random.random() < 1, 1.7e9 < time.time() < 4e9, 2 ** 70,
        ]
    if what == "context":
        return [context.function_name, context.memory_limit_in_mb, len(context.aws_request_id), 0 < context.get_remaining_time_in_millis() <= 2000,
            context.invoked_function_arn, context.client_context.custom["a"], context.client_context.client.app_title,
            context.client_context.env, context.identity.cognito_identity_id, context.tenant_id, context.peerless["attempt"],
            context.log_group_name]
    if what == "tmp":
        with open("/tmp/x", "w") as file:
            file.write("kept")
        return [open("/tmp/x").read(), open("/var/task/data.txt").read(), "app.py" in os.listdir("/var/task")]
    if what == "loop":
        while True:
            pass
    if what == "recursion":
        return handler(event, context)
    if what == "memory":
        kept = []
        while True:
            kept.append(bytearray(1000000))
    if what == "exit":
        sys.exit(4)
    if what == "set":
        return {1, 2}
    if what == "print":
        print("a", end="")
        print("b")
        print("rest", end="")

async def later(event, context):
    await asyncio.sleep(0.02)
    if event.get("fail"):
        raise KeyError("late")
    return {"slept": True, "js": await js.Promise.resolve(5)}
`

const STANDARD = `
from __future__ import annotations
import csv, hashlib, hmac, io, itertools, json, logging, math, os, random, re, statistics, time, uuid
import urllib.parse
from collections import Counter, ChainMap, deque
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from functools import cmp_to_key, lru_cache
from types import SimpleNamespace
from typing import Any, Dict, Generic, List, Optional, TypeVar
import shop

T = TypeVar("T")
Event = Dict[str, Any]

class Box(Generic[T]):
    pass

logger = logging.getLogger()
logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))

calls = 0

@lru_cache(maxsize=2)
def double(x: int) -> int:
    global calls
    calls += 1
    return x * 2

@contextmanager
def opened(name):
    try:
        yield name
    except KeyError:
        pass

def failing(call):
    try:
        call()
    except FileNotFoundError as error:
        return error.errno

def paths():
    here = Path(__file__).resolve()
    made = here.parent.parent.parent.joinpath("tmp", "made", "in")
    made.mkdir(parents=True, exist_ok=True)
    (made / "x").write_text("a", encoding="utf-8")
    found = list(made.iterdir())
    return [str(here), str(made), [one.name for one in found], str(found[0]), [str(one) for one in made.parent.rglob("x")], [one.name for one in here.parent.glob("app.*")], str(found[0].relative_to("/tmp/made"))]

def not_json():
    try:
        json.dumps({"at": {1, 2}})
    except TypeError as error:
        return str(error)

def handler(event: Event, context: Any) -> Optional[Dict[str, List[int]]]:
    logger.info("order %s", 7, extra={"unused": 1})
    print("printed", flush=True)
    match = re.search(r"(?P<user>[\\w.]+)@(?P<host>\\w+)", "an Ädam.b@hostß 😀")
    with suppress(ValueError):
        raise ValueError()
    with opened("x") as name, ExitStack() as stack:
        stack.callback(lambda: None)
        raise KeyError()
    writing = io.StringIO()
    csv.DictWriter(writing, ["a", "b"]).writerow({"a": 1, "b": 'say "b", c'})
    os.makedirs("/tmp/deep/er", exist_ok=True)
    deq = deque([1, 2, 3], maxlen=2)
    deq.appendleft(0)
    return {
        "json": [json.dumps({"b": 1, "a": [1.5, None]}, indent=1, sort_keys=True), json.dumps({"at": datetime(2024, 1, 2)}, default=str),
            json.dumps("ä😀"), json.dumps("ä", ensure_ascii=False), json.dumps([1, 2], separators=(",", ":")), not_json()],
        "re": [match.groupdict(), match.span("host"), re.findall("a(.)", "abac"), re.sub(r"(\\w)(\\d)", r"\\2\\g<1>", "a1 b2"),
            re.split(r"[,;]\\s*", "a, b;c"), re.sub("b", lambda one: one.group().upper(), "abc"), bool(re.fullmatch("A{2,3}", "aaa", re.I)),
            [one.start() for one in re.finditer("x", "😀x.x")], re.escape("a.b")],
        "hash": [hashlib.md5(b"a").hexdigest(), hashlib.sha1(event["password"].encode()).hexdigest(), hashlib.sha512(b"").hexdigest()[:8],
            hmac.new(b"k", b"m", hashlib.sha256).hexdigest()[:8], hmac.compare_digest("a", "a")],
        "uuid": [len(str(uuid.uuid4())), str(uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")), uuid.uuid4() == uuid.uuid4()],
        "time": [datetime(2024, 2, 29, 13, 5, tzinfo=timezone.utc).strftime("%a %d %b %Y %I:%M %p %z"),
            datetime.strptime("2024-02-29T10:11:12.5+0200", "%Y-%m-%dT%H:%M:%S.%f%z").isoformat(), time.perf_counter() >= 0,
            datetime.utcnow().tzinfo is None],
        "url": [urllib.parse.urlencode({"q": "a b&ä"}), urllib.parse.urlparse("https://u@Host:81/p?q=1#f").hostname,
            urllib.parse.parse_qs("a=1&a=%C3%A4"), urllib.parse.urljoin("https://a/b/c", "../d")],
        "collections": [Counter("aab").most_common(1), ChainMap({"a": 1}, {"b": 2})["b"], list(deq), isinstance({}, Mapping)],
        "tools": [double(2), double(2), calls, sorted([1, 3, 2], key=cmp_to_key(lambda a, b: b - a)),
            [(k, list(g)) for k, g in itertools.groupby("aab")], list(itertools.combinations("abc", 2))[2], SimpleNamespace(a=1).a],
        "numbers": [math.gcd(12, 18), math.isqrt(10 ** 20), math.comb(5, 2), statistics.median([3, 1, 2]), sorted(random.sample(range(3), 3))],
        "csv": [list(csv.reader(io.StringIO('a,"b,\\nc"\\r\\n1,""\\r\\n'))), writing.getvalue()],
        "files": [failing(lambda: open("/tmp/nothing")), failing(lambda: os.remove("/tmp/nothing")), os.path.splitext("a.tar.gz"), [found[0] for found in os.walk("/tmp")], len(os.urandom(4))],
        "paths": paths(),
        "own": shop.price(),
    }
`

const EXPECTED = {
  json: [
    '{\n "a": [\n  1.5,\n  null\n ],\n "b": 1\n}',
    '{"at": "2024-01-02 00:00:00"}',
    '"\\u00e4\\ud83d\\ude00"',
    '"ä"',
    '[1,2]',
    'Object of type set is not JSON serializable'
  ],
  re: [{ user: 'Ädam.b', host: 'hostß' }, [10, 15], ['b', 'c'], '1a 2b', ['a', 'b', 'c'], 'aBc', true, [1, 3], 'a\\.b'],
  hash: ['0cc175b9c0f1b6a831c399e269772661', createHash('sha1').update('käse').digest('hex'), 'cf83e135', hmacOf('k', 'm'), true],
  uuid: [36, '886313e1-3b8a-5372-9b90-0c9aee199e5d', false],
  time: ['Thu 29 Feb 2024 01:05 PM +0000', '2024-02-29T10:11:12.500000+02:00', true, true],
  url: ['q=a+b%26%C3%A4', 'host', { a: ['1', 'ä'] }, 'https://a/d'],
  collections: [[['a', 2]], 2, [0, 2], true],
  tools: [
    4,
    4,
    1,
    [3, 2, 1],
    [
      ['a', ['a', 'a']],
      ['b', ['b']]
    ],
    ['b', 'c'],
    1
  ],
  numbers: [6, 10_000_000_000, 10, 2, [0, 1, 2]],
  csv: [
    [
      ['a', 'b,\nc'],
      ['1', '']
    ],
    '1,"say ""b"", c"\r\n'
  ],
  files: [2, 2, ['a.tar', '.gz'], ['/tmp', '/tmp/deep', '/tmp/deep/er'], 4],
  paths: ['/var/task/app.py', '/tmp/made/in', ['x'], '/tmp/made/in/x', ['/tmp/made/in/x'], ['app.py'], 'in/x'],
  own: '[1]'
}

function hmacOf(key: string, message: string): string {
  return createHmac('sha256', key).update(message).digest('hex').slice(0, 8)
}

test('the example in Python answers, logs, keeps its state, and its errors have the traceback', async (t) => {
  const name = await place.deploy(join(EXAMPLES, 'python', 'app.py'), '--name', 'basket', '--env', 'CURRENCY=CHF')
  const items = [{ price: 1.5, count: 3 }, { price: 2 }]
  t.deepEqual((await place.call(name, { items })).result, { currency: 'CHF', items: 2, total: 6.5, calls: 1 })
  t.deepEqual((await place.call(name, { items })).result, { currency: 'CHF', items: 2, total: 6.5, calls: 2 })
  t.true((await place.logs(name)).some((line) => /^call 2 with 2 items, request [0-9a-f-]{36}$/.test(line)))
  const { code, result } = await place.call(name, {})
  t.is(code, 1)
  const { errorType, errorMessage, trace } = result as Failure
  t.deepEqual([errorType, errorMessage], ['ValueError', 'there is nothing in the basket'])
  t.deepEqual(trace, [
    'Traceback (most recent call last):',
    '  File "/var/task/app.py", line 16, in handler',
    'ValueError: there is nothing in the basket'
  ])
})

test('a zip by the Lambda API: library, context, files, limits', async (t) => {
  const client = await lambdaOf(place.daemon)
  const zip = zipSync({ 'app.py': Buffer.from(LIBRARY), 'data.txt': Buffer.from('data') })
  const create = (name: string, handler: string) =>
    client.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Runtime: Runtime.python313,
        Handler: handler,
        Role: ROLE,
        Code: { ZipFile: zip },
        Timeout: 2,
        MemorySize: 128
      })
    )
  await create('library', 'app.handler')
  const ask = async (what: string, more: object = {}) => (await invoke(client, 'library', { what, ...more })).result
  for (const value of [null, true, 0, -1.5, 1e100, 9_007_199_254_740_991, 'käse 😀', [], { a: { b: [1, '2'] } }]) {
    t.deepEqual(await ask('echo', { value }), value)
  }
  t.deepEqual(await ask('library'), ['YWJj', 'ba7816bf', 4, 'bbb', 1, 86_400, '01000000', 'default', true, true, 2 ** 70])
  const ClientContext = Buffer.from('{"custom":{"a":1},"client":{"app_title":"shop"}}').toString('base64')
  const answer = await client.send(
    new InvokeCommand({ FunctionName: 'library', ClientContext, Payload: Buffer.from('{"what":"context"}') })
  )
  const [name, memory, idLength, inTime, arn, ...more] = JSON.parse(Buffer.from(answer.Payload ?? []).toString()) as unknown[]
  t.deepEqual([name, memory, idLength, inTime], ['library', '128', 36, true])
  t.deepEqual(more, [1, 'shop', null, null, null, 1, '/aws/lambda/library'])
  t.regex(String(arn), /:function:library$/)
  t.deepEqual(await ask('tmp'), ['kept', 'data', true])
  t.like(await ask('exit'), { errorType: 'Runtime.ExitError' })
  t.like(await ask('set'), { errorType: 'Runtime.MarshalError' })
  t.is(await ask('print'), null)
  t.like(await ask('recursion'), { errorType: 'RuntimeError' })
  t.like(await ask('memory'), { errorType: 'MemoryError' })
  t.is(await ask('echo', { value: 'still here' }), 'still here')
  t.like(await ask('loop'), { errorType: 'Sandbox.Timedout' })
  const lines = await place.logs('library')
  t.true(lines.includes('ab') && lines.includes('rest'), lines.join('\n'))

  await create('later', 'app.later')
  t.deepEqual((await invoke(client, 'later', {})).result, { slept: true, js: 5 })
  t.like((await invoke(client, 'later', { fail: true })).result, { errorType: 'KeyError' })
})

test('the standard library has what handlers ask of it, as in CPython', async (t) => {
  const zip = zipSync({
    'app.py': Buffer.from(STANDARD),
    'shop/__init__.py': Buffer.from('from .prices import price\n'),
    'shop/prices.py': Buffer.from('import json\nfrom textwrap import mine\ndef price():\n    return json.dumps(mine)\n'),
    // A module of the bundle goes before the library's.
    'textwrap.py': Buffer.from('mine = [1]\n')
  })
  const folder = await folderOf(t, { 'standard.zip': zip })
  const name = await place.deploy(join(folder, 'standard.zip'), '--handler', 'app.handler')
  const { result } = await place.call(name, { password: 'käse' })
  t.deepEqual(result, EXPECTED)
  const lines = await place.logs(name)
  t.true(
    lines.some((line) => line.includes('order 7') && line.includes('INFO')),
    lines.join('\n')
  )
})

const FIELDS = `
from __future__ import annotations
import json
from dataclasses import KW_ONLY, asdict, dataclass, field, fields, replace
from typing import ClassVar, Dict, List, Optional

@dataclass
class Item:
    """An item
    with: text
    """
    name: str
    price: float = 1.5  # with: a comment
    tags: List[str] = field(default_factory=list)
    limits: Dict[str,
                 int] = field(default_factory=dict, repr=False)
    kind: ClassVar[str] = "k"

    def total(self) -> float:
        times: int = 3
        return self.price * times

    def __post_init__(self):
        if self.price < 0:
            raise ValueError("a price")

@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int = 0

@dataclass
class Special(Item):
    _: KW_ONLY
    bonus: Optional[int] = None

def failure(make):
    try:
        return make()
    except Exception as error:
        return type(error).__name__ + ": " + str(error)

def moved(point):
    point.x = 3

def handler(event, context):
    made = Item(**event)
    return [repr(made), json.dumps(asdict(Special("s", tags=[Point(1)]))), [one.name for one in fields(Special)], replace(made, price=2).total(),
        made == Item("a"), made.tags is Item("a").tags, Point(1) < Point(1, 1), {Point(1): 1}[Point(1)], Item.price, hasattr(Item, "name"),
        failure(lambda: moved(Point(1))), failure(lambda: Item()), failure(lambda: Item("a", nothing=1)), failure(lambda: Item("a", -1)),
        failure(lambda: Special("a", 1, [], {}, 5))]
`

test('dataclasses have the fields of their annotations', async (t) => {
  const folder = await folderOf(t, { 'fields.py': FIELDS })
  const { result } = await place.call(await place.deploy(join(folder, 'fields.py')), { name: 'a' })
  t.deepEqual(result, [
    "Item(name='a', price=1.5, tags=[])",
    '{"name": "s", "price": 1.5, "tags": [{"x": 1, "y": 0}], "limits": {}, "bonus": null}',
    ['name', 'price', 'tags', 'limits', 'bonus'],
    6,
    true,
    false,
    true,
    1,
    1.5,
    false,
    "FrozenInstanceError: cannot assign to field 'x'",
    "TypeError: Item() missing required arguments: 'name'",
    "TypeError: Item() got an unexpected keyword argument 'nothing'",
    'ValueError: a price',
    'TypeError: Special() takes 4 positional arguments but 5 were given'
  ])
})

test('what a module lacks is said at its first call', async (t) => {
  const files: Record<string, string> = {
    'missing.py': 'import numpy\ndef handler(event, context):\n    return 1\n',
    'syntax.py': 'def handler(event, context)\n    return 1\n',
    'nothing.py': 'def other(event, context):\n    return 1\n'
  }
  const folder = await folderOf(t, files)
  const first = async (file: string, ...args: string[]) =>
    (await place.call(await place.deploy(join(folder, file), ...args))).result as Failure
  const missing = await first('missing.py')
  t.deepEqual([missing.errorType, missing.errorMessage], ['ImportError', "no module named 'numpy'"])
  t.is((await first('syntax.py')).errorType, 'SyntaxError')
  await t.throwsAsync(first('nothing.py'), { message: /defines neither 'handler' nor 'lambda_handler'/ })
  t.is((await first('nothing.py', '--handler', 'nothing.handler')).errorType, 'Runtime.HandlerNotFound')
})

const LOOK = `
import os, random, sys, time

started = [sys.path, os.getcwd(), sorted(os.listdir("/")), sorted(os.listdir("/var/task")), os.getenv("COLOUR"), sorted(sys.modules)]

def handler(event, context):
    time.sleep(0.3)
    return {"started": started, "random": random.random(), "name": context.function_name}
`

test('a handler sees the same, whether its interpreter was started ahead or not', async (t) => {
  const lambda = await lambdaOf(place.daemon)
  const FunctionName = 'looks'
  const ZipFile = zipSync({ 'app.py': Buffer.from(LOOK) })
  const Environment = { Variables: { COLOUR: 'blue' } }
  const Role = ROLE
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Environment,
      Runtime: Runtime.python312,
      Handler: 'app.handler',
      Code: { ZipFile }
    })
  )
  // Two wait at most, of the kind that was asked for last.
  const calls = await Promise.all(Array.from({ length: 6 }, () => invoke(lambda, FunctionName, {})))
  const seen = calls.map(({ result }) => result as { started: unknown[]; random: number; name: string })
  const [first, ...others] = seen
  t.is(first?.name, 'looks')
  t.is(first?.started[4], 'blue')
  for (const other of others) t.deepEqual(other.started, first?.started)
  t.is(new Set(seen.map(({ random }) => random)).size, 6)
})
