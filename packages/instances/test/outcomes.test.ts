import type { Invocation, Outcome } from '@peerless/interface'
import test from 'ava'
import { severed } from '../src/outcomes.ts'
import { type Executor, type Instance, newRunning, type Running } from '../src/records.ts'

const NOW = 10_000

/** A call with a timeout of a second that has run for so long when its executor ended. */
function callOf(runMs: number): Running {
  const invocation = { requestId: 'id', functionName: 'fn', version: { timeoutSeconds: 1, memoryMb: 128 } } as Invocation
  return { ...newRunning(invocation, () => undefined), startedAt: NOW - runMs }
}

const told = test.macro(
  (
    t,
    killedFor: Executor['killedFor'],
    runMs: number,
    isCulprit: boolean,
    expected: [status: Outcome['status'], text: RegExp]
  ) => {
    const call = callOf(runMs)
    const executor = { killedFor, culprit: isCulprit ? call : callOf(1_500) } as Executor
    const outcome = severed('node', { name: 'one', executor } as Instance, call, NOW)
    t.is(outcome.status, expected[0])
    t.regex('payload' in outcome ? Buffer.from(outcome.payload).toString() : outcome.message, expected[1])
  }
)

test('the call that a process was ended for timed out', told, 'deadline', 1_500, true, [
  'timeout',
  /timed out after 1\.00 seconds/
])
test('so did one beside it whose own time was up', told, 'deadline', 1_200, false, ['timeout', /timed out after 1\.00 seconds/])
test('one that had time left is lost', told, 'deadline', 900, false, ['lost', /was ended \(deadline\)/])
test('a process without memory left tells all its calls', told, 'memory', 10, false, ['exit', /Runtime\.OutOfMemory/])
test('a process that V8 gave up loses them', told, 'catastrophe', 1_200, false, ['lost', /catastrophe/])
test('a process that died by itself exited for all', told, undefined, 10, false, ['exit', /Runtime\.ExitError/])
