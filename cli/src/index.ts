export { type Host, realHost } from './host.ts'
export { commandNames, run } from './program.ts'

import { realHost } from './host.ts'
import { run } from './program.ts'

/** Runs a command line on this machine and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const host = realHost()
  // The reader has seen enough (`peerless logs x | head`): nothing is wrong, and nobody is left to tell.
  host.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  // Nobody reads what is noted beside the result (`2>&1 | head`, a full disk): the result and the exit code stand all the same.
  host.stderr.on('error', () => undefined)
  const code = await run(argv, host)
  host.stdout.write('', () => process.exit(code))
}
