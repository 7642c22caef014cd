export { type Host, realHost } from './host.ts'
export { commandNames, run } from './program.ts'

import { realHost } from './host.ts'
import { run } from './program.ts'

/** Runs a command line on this machine and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const host = realHost()
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has seen enough (`peerless logs x | head`): nothing is wrong, and nobody is left to tell.
    if (error.code === 'EPIPE') process.exit(0)
    // A full disk, say: what is there is a part, and looks like all of it.
    host.stderr.write(`error: the result could not be written: ${error.message}\n`, () => process.exit(1))
  })
  // Nobody reads what is noted beside the result (`2>&1 | head`, a full disk): the result and the exit code stand all the same.
  host.stderr.on('error', () => undefined)
  const code = await run(argv, host)
  host.stdout.write('', () => process.exit(code))
}
