import { Command, CommanderError } from 'commander'
import { Context } from './context.ts'
import { CliError, NEXT_INVITE } from './errors.ts'
import { type Host, write } from './host.ts'
import { readVersion } from './version.ts'

interface Entry {
  name: string
  summary: string
  load: () => Promise<{ define: (command: Command, context: Context) => void }>
}

/** In the order of the help. A command's module is loaded only when it is the one that runs. */
const COMMANDS: readonly Entry[] = [
  { name: 'up', summary: 'run a node', load: () => import('./commands/up.ts') },
  { name: 'invite', summary: 'print an invite token', load: () => import('./commands/invite.ts') },
  {
    name: 'env',
    summary: "print the variables that AWS clients need, for a shell's eval",
    load: () => import('./commands/env.ts')
  },
  { name: 'keys', summary: 'create, list, revoke and rotate access keys', load: () => import('./commands/keys.ts') },
  { name: 'deploy', summary: 'deploy a function', load: () => import('./commands/deploy.ts') },
  { name: 'invoke', summary: 'call a function', load: () => import('./commands/invoke.ts') },
  { name: 'result', summary: 'how an asynchronous call ended', load: () => import('./commands/result.ts') },
  {
    name: 'dead-letters',
    summary: 'asynchronous calls that were given up: list, show, redrive, purge',
    load: () => import('./commands/dead-letters.ts')
  },
  {
    name: 'triggers',
    summary: 'schedules: add, list, show, pause, resume and remove',
    load: () => import('./commands/triggers.ts')
  },
  { name: 'ls', summary: 'list the functions', load: () => import('./commands/ls.ts') },
  { name: 'show', summary: 'show one function, or the node', load: () => import('./commands/show.ts') },
  { name: 'versions', summary: 'list and publish the versions of a function', load: () => import('./commands/versions.ts') },
  {
    name: 'alias',
    summary: 'names that lead to versions: set, list and remove',
    load: () => import('./commands/alias.ts')
  },
  { name: 'rm', summary: 'remove a function', load: () => import('./commands/rm.ts') },
  {
    name: 'routes',
    summary: 'lead HTTP methods and paths to functions',
    load: () => import('./commands/routes.ts')
  },
  { name: 'peers', summary: 'list the nodes of the mesh', load: () => import('./commands/peers.ts') },
  { name: 'drain', summary: 'take the work off a node', load: () => import('./commands/drain.ts') },
  { name: 'leave', summary: 'end the membership of a node for good', load: () => import('./commands/leave.ts') },
  { name: 'top', summary: 'watch the load of the mesh', load: () => import('./commands/top.ts') },
  { name: 'logs', summary: 'print the logs of a function, from every node', load: () => import('./commands/logs.ts') },
  { name: 'ledger', summary: 'balances, statements and their proof', load: () => import('./commands/ledger.ts') }
]

export const commandNames: readonly string[] = COMMANDS.map((entry) => entry.name)

/**
 * Runs one command line.
 * @param argv what follows the program's name
 * @returns the exit code: 0, 1 for a failure, 2 for wrong usage
 */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  const context = new Context(host)
  try {
    const program = await buildProgram(context, commandOf(argv))
    await program.parseAsync(argv, { from: 'user' })
    return context.exitCode
  } catch (error) {
    return await report(error, host)
  } finally {
    context.close()
  }
}

/** @param name the one command to load; the others only show in the help */
export async function buildProgram(context: Context, name: string | undefined): Promise<Command> {
  const { host } = context
  const program = new Command('peerless')
    .description('Serverless, run by peers: run a node, join a mesh, deploy and call functions.')
    .option('--data <dir>', 'data folder of the node (default: $PEERLESS_DATA, else ~/.peerless)')
    .option('--node <url>', 'talk to the node at this URL, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    .version(readVersion(), '--version', 'print the version of this command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text)
    })
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary)
    if (entry.name === name) (await entry.load()).define(command, context)
  }
  showHelpOfEach(program, 'peerless')
  return program
}

/** Wrong usage leads to the help of the very command: that of a group does not list the options of its commands. */
function showHelpOfEach(command: Command, path: string): void {
  command.showHelpAfterError(`Run '${path} --help' to see how it is used.`)
  for (const one of command.commands) showHelpOfEach(one, `${path} ${one.name()}`)
}

/** The command that a command line names, before it is parsed. */
function commandOf(argv: readonly string[]): string | undefined {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] as string
    if (word === '--data' || word === '--node') index++
    else if (word !== 'help' && !word.startsWith('-')) return COMMANDS.some((entry) => entry.name === word) ? word : undefined
  }
  return undefined
}

/** What to do about errors that other packages and the system throw, by code, or by call and code. */
const NEXT: Record<string, string | undefined> = {
  EADDRINUSE: 'Another node or program has that address: choose one with --http HOST:PORT or --listen MULTIADDR.',
  'listen EACCES': 'This user may not listen there: choose a port from 1024 on.',
  ENOTFOUND: 'No such host is known: give an address of this machine, such as 127.0.0.1 or 0.0.0.0.',
  EADDRNOTAVAIL: 'This machine has no such address: choose one that it has with --http HOST:PORT or --listen MULTIADDR.',
  INVALID_INVITE: NEXT_INVITE,
  INVALID_SOURCE: 'Mend the source and deploy again.',
  HANDLER_NOT_FOUND: 'Name the file and export to call with --handler FILE.EXPORT.'
}

async function report(error: unknown, host: Host): Promise<number> {
  // Commander has printed what it had to say; its own exit code is 0 only after help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const label = host.style('red', 'error:', 'stderr')
  if (error instanceof CliError) {
    await write(host.stderr, `${label} ${error.message}\n${error.next === undefined ? '' : `${error.next}\n`}`)
    return error.exitCode
  }
  if (isPlain(error)) {
    const next = NEXT[`${error.syscall} ${error.code}`] ?? NEXT[error.code]
    await write(host.stderr, `${label} ${error.message}\n${next === undefined ? '' : `${next}\n`}`)
    return error.code === 'INVALID_ARGUMENT' ? 2 : 1
  }
  await write(
    host.stderr,
    `${label} ${error instanceof Error ? error.stack : String(error)}\nThis is a bug in peerless: please report it.\n`
  )
  return 1
}

/** A PeerlessError of any copy of the package, or an error of the system: its message says it all. */
function isPlain(error: unknown): error is Error & { code: string; syscall?: string } {
  return error instanceof Error && (error.name === 'PeerlessError' || 'syscall' in error) && 'code' in error
}
