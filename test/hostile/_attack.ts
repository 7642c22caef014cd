/** How an attack must end for its own caller. */
interface Expected {
  /** One of these error types, in the JSON of a function error. */
  errors?: readonly string[]
  /** A result that deeply equals one of these. */
  results?: readonly unknown[]
  /** It may be refused when it is deployed. */
  refusedAtDeploy?: boolean
  /** HTTP statuses, for attacks through the function's URL; CUT where the connection ends in the midst of an answer. */
  statuses?: readonly number[]
}

/** One hostile function and what must come of it. */
export interface Attack {
  family: 'memory' | 'time' | 'escape' | 'output' | 'lifecycle' | 'egress'
  /** The module `index.mjs`. Its handler attacks when `event.attack` is true. */
  code?: string
  /** Instead of that: the files of the zip, or the zip itself, and the handler in them. */
  files?: Record<string, string | Uint8Array> | Uint8Array
  handler?: string
  memoryMb?: number
  timeoutSeconds?: number
  /** Harmless calls before the attack, so that it comes from a function that has proven itself. */
  callsBefore?: number
  /** Attacking calls at the same time. */
  callsAtOnce?: number
  /** Through the function's URL, where headers are. */
  http?: boolean
  /** The URL streams. */
  streams?: boolean
  /** Initialisation has ten seconds, whatever the timeout. */
  inInit?: boolean
  expected: Expected
}

/** As a status: the answer began and did not end. */
export const CUT = 0
export const TIMEOUT = 'Sandbox.Timedout'
export const MEMORY = 'Runtime.OutOfMemory'
export const EXIT = 'Runtime.ExitError'

export function attack(value: Attack): Attack {
  return value
}

/** WebAssembly by hand: `f` is `loop br 0` or grows its memory by 16 pages until that fails and returns the pages it has. */
export const WASM = `const header = [0,97,115,109,1,0,0,0]
const wasmLoop = new Uint8Array([...header, 1,4,1,96,0,0, 3,2,1,0, 7,5,1,1,102,0,0, 10,9,1,7,0,3,64,12,0,11,11])
const wasmGrow = new Uint8Array([...header, 1,5,1,96,0,1,127, 3,2,1,0, 5,3,1,0,1, 7,9,2,1,102,0,0,1,109,2,0, 10,18,1,16,0,3,64,65,16,64,0,65,127,71,13,0,11,63,0,11])
`
