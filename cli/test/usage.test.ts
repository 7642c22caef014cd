import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Command } from 'commander'
import { Context } from '../src/context.ts'
import { realHost } from '../src/host.ts'
import { buildProgram, commandNames } from '../src/program.ts'
import { runCommand } from './_host.ts'

const isUsage = test.macro({
  exec: async (t, argv: string[], ...says: string[]) => {
    const { code, stdout, stderr } = await runCommand(argv)
    t.is(code, 2, stderr)
    t.is(stdout, '')
    for (const part of says) t.true(stderr.includes(part), `${stderr} must say ${part}`)
  },
  title: (title = '') => `${title} is wrong usage: exit code 2, nothing on stdout`
})

test('no command at all', isUsage, [], 'Usage: peerless')
test('an unknown command', isUsage, ['deplyo'], "'deplyo'", 'deploy', '--help')
test('an unknown option', isUsage, ['ls', '--nope'], "'--nope'", 'peerless ls --help')
test('an unknown global option', isUsage, ['--nope', 'ls'], "'--nope'")
test('an option without its value', isUsage, ['up', '--http'], '--http')
test('a missing argument', isUsage, ['invoke'], 'name')
test('an argument too many', isUsage, ['peers', 'x'], 'argument')
test('a missing argument of a command of a group', isUsage, ['keys', 'revoke'], "'peerless keys revoke --help'")
test('a group without its command', isUsage, ['keys'], 'create')
test('an unknown command of a group', isUsage, ['ledger', 'burn'], "'burn'")
test('an unknown role', isUsage, ['invite', '--role', 'king'], "'king'", 'deployer')
test('an admin invite', isUsage, ['invite', '--role', 'admin'], "'admin'")
test('an invite for longer than nodes make them', isUsage, ['invite', '--ttl', '31d'], "'31d'", '30d')
test('a key id that is none', isUsage, ['keys', 'revoke', 'AK1'], "'AK1'", '16 to 128')
test('a lifetime without unit', isUsage, ['invite', '--ttl', '60'], "'60'", 'unit')
test('an invite of no use', isUsage, ['invite', '--uses', '0'], "'0'", '1 to 1000')
test('a bad function name', isUsage, ['invoke', 'a/b'], "'a/b'", '64')
test('a bad qualifier', isUsage, ['invoke', 'a:b:c'], "'a:b:c'")
test('a payload that is no JSON', isUsage, ['invoke', 'hello', '--data', '{oops'], "'{oops'", 'JSON')
test('two payloads', isUsage, ['invoke', 'hello', '--data', '1', '--data', '2'], 'twice', "'1' and '2'")
test('too little memory', isUsage, ['deploy', '--memory', '64'], "'64'", '128 to 10240')
test('an endless timeout', isUsage, ['deploy', '--timeout', '901'], "'901'", '1 to 900')
test('a variable without value', isUsage, ['deploy', '--env', 'A'], "'A'", 'NAME=VALUE')
test('more variables than fit', isUsage, ['deploy', '--env', `AA=${'x'.repeat(4_096)}`], '4098', '4096')
test('a handler with spaces', isUsage, ['deploy', '--handler', 'a b'], "'a b'", '128')
test('a file name that is no function name', isUsage, ['deploy', 'my.fancy.function.ts'], "'my.fancy.function'", '--name')
test('a node that is no URL', isUsage, ['peers', '--node', 'localhost:8787'], "'localhost:8787'", 'http://HOST:PORT')
test('a bad account', isUsage, ['ledger', 'balance', '--account', 'a b'], "'a b'", '64')
test('a time that is none', isUsage, ['ledger', 'statement', '--from', 'noon'], "'noon'")
test('an empty span of time', isUsage, ['ledger', 'statement', '--from', '1h', '--to', '2h'], '--from 1h', '--to 2h')
test('a bad port', isUsage, ['up', '--http', 'localhost:99999'], "'localhost:99999'", '65535')
test('a bad multiaddr', isUsage, ['up', '--listen', '/ip4/1.2.3.4/udp/1'], '/tcp/PORT')

test('the version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
  t.like(await runCommand(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('a request id that is none', isUsage, ['result', 'nonsense'], "'nonsense'", 'UUID')
test('redrive of nothing in particular', isUsage, ['dead-letters', 'redrive'], '--all')
test('an alias without a name', isUsage, ['alias', 'set', 'hello', '1'], "'hello'", 'NAME:ALIAS')
test('an alias of digits', isUsage, ['alias', 'set', 'hello:12', '1'], "'12'", 'digits alone')
test('an alias of an alias', isUsage, ['alias', 'set', 'hello:live', 'old'], "'old'", '$LATEST')
test('a split that is none', isUsage, ['alias', 'set', 'hello:live', '1', '--split', '2=101'], "'2=101'", '0 to 100')
test('a split with $LATEST', isUsage, ['alias', 'set', 'hello:live', '1', '--split', '$LATEST=5'], 'version number')
test(
  'a schedule of no function',
  isUsage,
  ['triggers', 'add', 'schedule', 'x', 'rate(1 minute)'],
  '--function',
  "'peerless triggers add schedule --help'"
)
test(
  'a time that a schedule cannot start at',
  isUsage,
  ['triggers', 'add', 'schedule', 'x', 'rate(1 minute)', '--function', 'f', '--start', 'soon'],
  "'soon'"
)

test('the value of a variable, which may be a secret, is not repeated where its name is wrong', async (t) => {
  const { code, stderr } = await runCommand(['deploy', '--env', 'API-KEY=hunter2'])
  t.is(code, 2)
  t.true(stderr.includes("'API-KEY=…'"), stderr)
  t.false(stderr.includes('hunter2'), stderr)
})

/** Every command with its options, as loaded for real. */
async function leaves(): Promise<Command[]> {
  const found: Command[] = []
  for (const name of commandNames) {
    const program = await buildProgram(new Context(realHost()), name)
    const command = program.commands.find((one) => one.name() === name)
    if (command !== undefined) found.push(...ends(command))
  }
  return found
}

function ends(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(ends)
}

function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()]
}

test('the help of the program lists every command, and that of every command its options', async (t) => {
  const { code, stdout } = await runCommand(['--help'])
  t.is(code, 0)
  for (const name of commandNames) t.regex(stdout, new RegExp(`^ +${name} `, 'm'))
  for (const command of await leaves()) {
    const help = await runCommand([...pathOf(command), '--help'])
    t.is(help.code, 0)
    for (const option of command.options)
      t.true(help.stdout.includes(option.flags), `${pathOf(command)} must list ${option.flags}`)
    t.deepEqual(await runCommand(['help', ...pathOf(command).slice(0, 1)]).then(({ code }) => code), 0)
  }
})

/** The head of the page explains these once. */
const COMMON = new Set(['--data <dir>', '--node <url>', '--json'])

test('docs/cli.md has every command with every option, and no option that there is not', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')
  for (const command of await leaves()) {
    const name = `peerless ${pathOf(command).join(' ')}`
    const section = page.split(/^## /m).find((part) => part.startsWith(`\`${name}`))
    if (section === undefined) {
      t.fail(`docs/cli.md has no section for ${name}`)
      continue
    }
    const own = command.options.map((option) => option.flags).filter((flags) => !COMMON.has(flags))
    const written = [...section.matchAll(/^\| `(-[^`]+)` \|/gm)].map((match) => match[1])
    t.deepEqual(written, own, name)
  }
})
