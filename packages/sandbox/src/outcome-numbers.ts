/** Numbers on the wire and across the isolate's boundary; guest code imports this file, so it imports nothing. */

export const KIND_EVENT = 0
export const KIND_HTTP = 1
/** Added to the kind where the answer may leave as it is written. */
export const KIND_STREAM = 2
/** Added where the function gets the body behind the event in base64. */
export const KIND_BASE64 = 4

/** Index is the number on the wire. */
export const RESULT_STATUSES = ['ok', 'error', 'timeout', 'exit'] as const
export const STATUS_OK = 0
export const STATUS_ERROR = 1
export const STATUS_TIMEOUT = 2
export const STATUS_EXIT = 3

/** Index is the number on the wire. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
/** How the log line of the error that a call ends with begins; its error JSON follows. As Lambda's Node runtime has it. */
export const INVOKE_ERROR = 'Invoke Error\t'

/** As in packages/interface: granted in place of a credit where nobody takes any more. */
export const STREAM_CLOSED_CREDIT = 0xff_ff_ff_ff
