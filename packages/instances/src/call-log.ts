import { type Invocation, LIMITS, type LogLine, type Usage } from '@peerless/interface'
import { INVOKE_ERROR } from '@peerless/sandbox'

type Level = LogLine['level']

/**
 * The log of one call. Lambda's platform lines go with it when the function wrote something, failed, started cold or was asked for its
 * tail; a silent warm call leaves none, because three lines per call would cost more than the call.
 */
export class CallLog {
  readonly #invocation: Invocation
  readonly #instance: string
  readonly #node: string
  readonly #onLine: ((account: string, line: LogLine) => void) | undefined
  readonly #tail: string[] = []
  #tailBytes = 0
  #begun = false
  #explained = false

  constructor(
    invocation: Invocation,
    instance: string,
    node: string,
    onLine: ((account: string, line: LogLine) => void) | undefined
  ) {
    this.#invocation = invocation
    this.#instance = instance
    this.#node = node
    this.#onLine = onLine
  }

  line(time: number, level: Level, message: string): void {
    this.#begin(time)
    if (level === 'error' && message.startsWith(INVOKE_ERROR)) this.#explained = true
    this.#write(time, level, message)
  }

  /**
   * @param error what the caller is told, where the call failed. The function's own side writes what its code throws; what else ends a call (a start
   * that fails, a limit, an answer that is none) is written here, because callers over HTTP are told no more than that the log has it
   * @returns the tail, when it was asked for
   */
  end(time: number, usage: Usage, billedMs: number, status: string, error: Uint8Array | undefined): string | undefined {
    const { requestId, version, logTail } = this.#invocation
    if (!this.#begun && !logTail && status === 'ok' && !usage.cold) return undefined
    this.#begin(time)
    // The place is Init Duration's also where there is none: the Serverless Framework shows whatever stands in it for that.
    const init = usage.initMs === undefined ? '\t' : `\tInit Duration: ${usage.initMs.toFixed(2)} ms`
    const used = usage.memoryUsedMb ?? 0
    const cpu = usage.cpuMs === undefined ? '' : `\tCPU Time: ${usage.cpuMs.toFixed(2)} ms`
    const outcome = status === 'ok' ? '' : `\tStatus: ${status}`
    if (error !== undefined && !this.#explained) this.#write(time, 'error', INVOKE_ERROR + textOf(error))
    this.#write(time, 'platform', `END RequestId: ${requestId}`)
    this.#write(
      time,
      'platform',
      `REPORT RequestId: ${requestId}\tDuration: ${usage.durationMs.toFixed(2)} ms\tBilled Duration: ${billedMs} ms\t` +
        `Memory Size: ${version.memoryMb} MB\tMax Memory Used: ${used} MB${init}${cpu}${outcome}`
    )
    return logTail ? cutTail(this.#tail.join('')) : undefined
  }

  #begin(time: number): void {
    if (this.#begun) return
    this.#begun = true
    this.#write(time, 'platform', `START RequestId: ${this.#invocation.requestId} Version: ${this.#invocation.version.version}`)
  }

  #write(time: number, level: Level, message: string): void {
    const { requestId, account, functionName, version, logTail } = this.#invocation
    this.#onLine?.(account, {
      time,
      level,
      message,
      function: functionName,
      version: version.version,
      requestId,
      instance: this.#instance,
      node: this.#node
    })
    if (!logTail) return
    const prefix = level === 'platform' ? '' : `${new Date(time).toISOString()}\t${requestId}\t${level.toUpperCase()}\t`
    const text = `${prefix}${message}\n`
    this.#tail.push(text)
    this.#tailBytes += text.length
    // Characters are at most bytes, so what is dropped here could not be in the tail.
    while (this.#tail.length > 1 && this.#tailBytes - (this.#tail[0] as string).length > LIMITS.logTailBytesMax) {
      this.#tailBytes -= (this.#tail.shift() as string).length
    }
  }
}

function textOf(error: Uint8Array): string {
  return Buffer.from(error.buffer, error.byteOffset, Math.min(error.byteLength, LIMITS.logLineBytesMax)).toString()
}

function cutTail(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= LIMITS.logTailBytesMax) return text
  // A character that was cut in half at the front is left out.
  return bytes
    .subarray(bytes.length - LIMITS.logTailBytesMax)
    .toString()
    .replace(/^\ufffd+/, '')
}
