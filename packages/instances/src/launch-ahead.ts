import type { FunctionVersion, Invocation } from '@peerless/interface'
import { type Instance, newRunning, type Revision, type Running } from './records.ts'

/** Of what an instance is made before anyone calls. Nothing of a call is in it: it may be kept for days. */
export interface Launchable {
  readonly functionName: string
  readonly account: string
  readonly version: FunctionVersion
}

/** An invocation whose deadline has long passed: when the instance is ready there is nothing to run, and the handler is not called. */
export function launchAhead({ functionName, account, version }: Launchable, requestId: string): Invocation {
  return {
    requestId,
    attempt: 1,
    kind: 'event',
    functionName,
    account,
    version,
    payload: new Uint8Array(0),
    deadline: 0,
    caller: '',
    logTail: false,
    clientContext: undefined,
    invokedArn: ''
  }
}

/** Whether it is a start that nobody waits for. */
export function isAhead(invocation: Invocation): boolean {
  return invocation.deadline === 0
}

/** Whether somebody waited for it, and does no more. `now` in epoch milliseconds. */
export function isPast(invocation: Invocation, now: number): boolean {
  return now > invocation.deadline && !isAhead(invocation)
}

/**
 * The call that a start was ordered for, where an instance of its revision came free before: the start goes on ahead of calls, and nobody waits for it.
 * @param running instances with calls, those that start among them
 * @returns the call that has waited longest, to be run elsewhere; undefined where none waits for a start
 */
export function callOfStart(running: Iterable<Instance>, revision: Revision): Running | undefined {
  for (const instance of running) {
    const [call] = instance.calls
    if (instance.revision !== revision || instance.state !== 'starting' || call?.done === undefined) continue
    const { invocation, done } = call
    if (isAhead(invocation)) continue
    call.invocation = launchAhead(invocation, invocation.requestId)
    call.done = () => undefined
    call.log = undefined
    return newRunning(invocation, done)
  }
  return undefined
}
