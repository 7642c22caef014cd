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
