import { messageOf, type OnPart, type OnReply, type StreamSink } from '@peerless/interface'
import type { InvokeHeader } from '@peerless/sandbox'
import { StreamIntake } from '@peerless/wire'
import { headOfExecutor } from './outcomes.ts'
import type { Executor, Instance, Running } from './records.ts'

/** Sends a call whose answer comes in parts. An executor that breaks the rules of its own protocol is not ours any more. */
export function runStreamed(
  instance: Instance,
  call: Running,
  header: InvokeHeader,
  done: OnReply,
  options: { node: string; onBroken: (executor: Executor, reason: string) => void }
): void {
  const { executor } = instance
  const sink = call.invocation.stream as StreamSink
  const intake = new StreamIntake(sink, { node: options.node, readHead: headOfExecutor, cold: call.cold }, () => request)
  call.intake = intake
  const onPart: OnPart = (head, payload) => {
    if (call.done === undefined) return
    try {
      intake.part(head, payload)
    } catch (error) {
      options.onBroken(executor, messageOf(error))
    }
  }
  const request = executor.process.invokeStreamed(header, call.invocation.payload, onPart, done)
}
