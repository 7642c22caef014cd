import type { Clock } from '@peerless/interface'

/** What calls come in by, and what runs them. */
export interface CallsUnderWay {
  readonly gateway: { close(graceMs: number): Promise<void> }
  readonly instances: { drain(timeoutMs: number): Promise<boolean> }
}

/** Waits for calls under way, of clients first and then of other nodes and of the queue: for `graceMs` in all, after which clients are cut off and what runs is given up. */
export async function finishCalls({ gateway, instances }: CallsUnderWay, graceMs: number, clock: Clock): Promise<void> {
  const until = clock.monotonic() + graceMs
  await gateway.close(graceMs)
  await instances.drain(Math.max(0, until - clock.monotonic()))
}
