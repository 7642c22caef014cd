import type { FunctionVersion, Invocation } from '@peerless/interface'

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
