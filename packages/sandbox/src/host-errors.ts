import { LIMITS } from '@peerless/interface'
import { exitErrorJson, functionErrorJson, memoryErrorJson } from './executor-protocol.ts'

const TRACE_LINES_MAX = 50
/** Where isolated-vm joins the stack of the caller to that of the isolate. */
const BOUNDARY = '<isolated-vm boundary>'

/** As recorded on AWS. */
export function tooLargeJson(): string {
  const max = LIMITS.payloadBytesMax
  return functionErrorJson(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${max} bytes).`
  )
}

/** A promise of exports that was rejected before anyone could take it. */
export function thrownJson(error: unknown): string {
  const isError = error instanceof Error
  return functionErrorJson(isError ? error.name : typeof error, isError ? error.message : String(error), traceOf(error))
}

/** As Lambda's Node runtime reports a rejection that nobody handled. */
export function rejectionJson(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return functionErrorJson('Runtime.UnhandledPromiseRejection', text, traceOf(error))
}

/** Lines of the guest only: those of the executor are nobody's business. */
function traceOf(error: unknown): string[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return []
  const lines = error.stack.split('\n')
  const boundary = lines.findIndex((line) => line.includes(BOUNDARY))
  return lines.slice(0, Math.min(TRACE_LINES_MAX, boundary < 0 ? lines.length : boundary))
}

/** An isolate that was disposed of from within isolated-vm. */
export function deathJson(requestId: string, message: string, memoryMb: number): string {
  if (message.includes('memory limit')) return memoryErrorJson(requestId, memoryMb)
  return exitErrorJson(requestId, 'Runtime exited without providing a reason')
}
