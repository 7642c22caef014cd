import { LIMITS } from '@peerless/interface'
import { exitErrorJson, functionErrorJson, memoryErrorJson } from './executor-protocol.ts'
import { STATUS_ERROR, STATUS_EXIT } from './outcome-numbers.ts'

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
function thrownJson(error: unknown): string {
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

/** Status and error of a start that failed in the isolate. @param disposed whether the isolate is gone */
export function loadFailure(error: unknown, disposed: boolean, memoryMb: number): [status: number, errorJson: string] {
  const message = error instanceof Error ? error.message : String(error)
  if (disposed) return [STATUS_EXIT, deathJson('init', message, memoryMb)]
  if (error instanceof SyntaxError) return [STATUS_ERROR, functionErrorJson('Runtime.UserCodeSyntaxError', message)]
  return [STATUS_ERROR, thrownJson(error)]
}

/** What was rejected with, as ENTER.REJECTED takes it: isolated-vm copied it out as an error or a primitive. */
export function toldOf(error: unknown): (string | undefined)[] {
  return error instanceof Error ? [error.name, error.message, error.stack] : [undefined, error as string]
}
