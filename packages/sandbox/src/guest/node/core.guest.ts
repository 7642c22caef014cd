/** What the library gets of the glue: it is a script of its own, so it imports nothing of the glue's state. */
export interface Core {
  /** Asks the executor; see bridge-operations. */
  ask(operation: number, a?: unknown, b?: unknown, c?: unknown, d?: unknown): unknown
  /** The console's line writer: level, text. */
  log(level: number, text: string): void
  /** Writes what a listener of `warning` is told into the log. */
  logWarning(warning: unknown): void
  /** Timers and the like that are the glue's own, by `node:` name. */
  builtin(name: string): unknown
  /** Says by which member Node's own errors are known. */
  nodeErrors(mark: symbol): void
  /** The current asynchronous context; see async-context. */
  readonly context: { get(): unknown; set(frame: unknown): void; follow(): void }
}

/** Filled in when the library starts. */
export let core: Core

export function setCore(value: Core): void {
  core = value
}
