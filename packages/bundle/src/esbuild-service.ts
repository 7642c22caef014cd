import { stop } from 'esbuild'

/**
 * esbuild is one child process for all builds of this process, and hostile source can kill it: deep nesting overflows its stack,
 * large constants its memory. Then every build under way fails, and esbuild's own client never starts another. So what fails for
 * that is tried once more in a new process with nothing else in it. Innocent builds succeed there; the
 * one that kills it again is the culprit.
 *
 * The state is the module's because esbuild's process is.
 */
let running = 0
let onIdle: (() => void) | undefined
/** Ends when all tries that wanted to be alone so far are over. */
let alone: Promise<void> | undefined
/** Tries begun so far, and how many they were when `restBundler` was last asked. */
let begun = 0
let begunBefore = -1

/**
 * Runs `build`, which may call esbuild any number of times.
 * @param died made of the second failure in a row
 * @throws what `build` throws when it is about the source, else `died`
 */
export async function withEsbuild<Value>(build: () => Promise<Value>, died: (cause: unknown) => Error): Promise<Value> {
  const first = await beside(() => settled(build))
  if ('value' in first) return first.value
  const second = await byItself(() => settled(build))
  if ('value' in second) return second.value
  throw died(second.failure)
}

/**
 * To be asked now and then: ends esbuild's process where no build has begun since the last time, and none is under way. It keeps 100 MB of what it built; the
 * next build starts another. Never the first time, when others may still use it to begin with.
 */
export async function restBundler(): Promise<void> {
  const idle = begun === begunBefore && running === 0 && alone === undefined
  begunBefore = begun
  if (idle) await stop()
}

type Settled<Value> = { value: Value } | { failure: unknown }

/** Values and errors about the source as they are; a failure of esbuild's process as such, after it was put away. */
async function settled<Value>(build: () => Promise<Value>): Promise<Settled<Value>> {
  begun += 1
  try {
    return { value: await build() }
  } catch (failure) {
    if (!isDeath(failure)) throw failure
    await stop()
    return { failure }
  }
}

/** esbuild's client has no code for it; the test that kills the process fails when the text changes. */
function isDeath(failure: unknown): boolean {
  return failure instanceof Error && /^The service (?:was stopped|is no longer running)/.test(failure.message)
}

async function beside<Value>(run: () => Promise<Value>): Promise<Value> {
  while (alone !== undefined) await alone
  running += 1
  try {
    return await run()
  } finally {
    running -= 1
    if (running === 0) onIdle?.()
  }
}

async function byItself<Value>(run: () => Promise<Value>): Promise<Value> {
  const before = alone
  const { promise, resolve } = Promise.withResolvers<void>()
  alone = promise
  await before
  if (running > 0) {
    await new Promise<void>((idle) => {
      onIdle = idle
    })
    onIdle = undefined
  }
  try {
    return await run()
  } finally {
    if (alone === promise) alone = undefined
    resolve()
  }
}
