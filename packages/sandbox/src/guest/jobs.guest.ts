import { RESUME, TELL } from '../bridge-operations.ts'
import { inContext } from './async-context.guest.ts'
import { tellMore } from './bridge.guest.ts'
import { jsonParse, promiseThen, reflectApply } from './intrinsics.guest.ts'

export interface JobAnswer {
  text: string
  bytes: Uint8Array | undefined
}

export type JobListener = (status: number, text: string, bytes: Uint8Array | undefined) => void

/** By number. Without a prototype, so that nothing a function does to `Map` or `Object` finds its way in here. */
const listeners = Object.create(null) as Record<number, JobListener | undefined>
let last = 0
let open = 0

export function jobsPending(): boolean {
  return open > 0
}

let doneHere = false

/** What might have been a job was done at once: who waits for jobs still waits for the turn in which its promise is heard. */
export function didHere(): void {
  doneHere = true
}

export function takeDoneHere(): boolean {
  const done = doneHere
  doneHere = false
  return done
}

/** Starts a job of the executor. The listener hears RESUME.DONE or RESUME.FAILED last, and each time in an entry of its own. */
export function startJob(operation: number, order: string, bytes: Uint8Array | undefined, listener: JobListener): number {
  const id = ++last
  listeners[id] = inContext(listener)
  open++
  tellMore(TELL.JOB, id, operation, order, bytes)
  return id
}

/** A job with one answer. @throws what the executor's error is called here */
export function runJob(operation: number, order: string, bytes: Uint8Array | undefined): Promise<JobAnswer> {
  return new Promise((resolve, reject) => {
    startJob(operation, order, bytes, (status, text, answer) => {
      if (status === RESUME.DONE) resolve({ text, bytes: answer })
      else reject(errorOf(text))
    })
  })
}

export function tellJob(id: number, verb: number, value: number, bytes?: Uint8Array): void {
  if (listeners[id] !== undefined) tellMore(TELL.JOB_MORE, id, verb, value, bytes)
}

/** Nobody listens any more. */
export function forgetJob(id: number): void {
  if (listeners[id] === undefined) return
  delete listeners[id]
  open--
}

/** The executor has news. */
export function resumeJob(id: number, status: number, text: string, bytes: Uint8Array | undefined): void {
  const listener = listeners[id]
  if (listener === undefined) return
  if (status <= RESUME.FAILED) forgetJob(id)
  listener(status, text, bytes)
}

interface ErrorForm {
  name: string
  message: string
}

const ERRORS: Record<string, (message: string) => Error> = {
  TypeError: (message) => new TypeError(message),
  RangeError: (message) => new RangeError(message),
  Error: (message) => new Error(message)
}

function errorOf(json: string): Error {
  const { name, message } = jsonParse(json) as ErrorForm
  const make = ERRORS[name]
  if (make !== undefined) return make(message)
  const { DOMException } = globalThis as unknown as { DOMException: new (message: string, name: string) => Error }
  return new DOMException(message, name)
}

/** Marks a promise as looked after: its rejection is somebody's business elsewhere. */
export function handled(promise: Promise<unknown>): void {
  reflectApply(promiseThen, promise, [undefined, () => undefined])
}
