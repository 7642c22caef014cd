import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { startFakeNode, temporaryFolder } from './_fake-node.ts'
import { fakeCheckout, launcher, otherNodes, pinned, start } from './_launch.ts'

const ANOTHER_VERSION = '26.0.0-other'
const ECHO = `console.log(JSON.stringify({ version: process.versions.node, args: process.argv.slice(2), pid: process.pid }))
process.exit(7)`
/** Says which signals come, one line each; ends at SIGTERM with code 0. */
const LISTEN = `for (const name of ['SIGINT', 'SIGHUP', 'SIGUSR2']) process.on(name, () => console.log('got ' + name))
process.on('SIGTERM', () => process.exit(0))
setTimeout(() => process.exit(3), 60_000)
console.log('ready ' + process.pid)`
const TIE = pathToFileURL(join(dirname(launcher), '../cli/src/launcher-tie.ts')).href
/** Tied to the launcher as the real command line is. */
const TIED = `const { dieWithLauncher } = await import('${TIE}')
dieWithLauncher()
${LISTEN}`

/** How the launcher gets to the pinned Node: by becoming it, or, where Node has no execve, by supervising it. */
async function supervised(t: Parameters<typeof fakeCheckout>[0], main: string): Promise<string[]> {
  const path = await fakeCheckout(t, ANOTHER_VERSION, main)
  const preload = join(dirname(path), 'without-execve.cjs')
  await writeFile(preload, 'delete process.execve')
  return ['--require', preload, path]
}

for (const node of otherNodes()) {
  test(`the real launcher runs under the Node at ${node}`, async (t) => {
    const help = await start(t, node, [launcher, '--help']).ended
    t.is(help.code, 0, help.stderr)
    t.regex(help.stdout, /Usage: peerless/)
    t.is((await start(t, node, [launcher, 'nonsense']).ended).code, 2)
  })

  test(`Ctrl-C ends a command that follows, with exit code 0, under the Node at ${node}`, async (t) => {
    const fake = await startFakeNode(t, {
      'GET /v1/logs': { stream: (response) => response.write('{"time":0,"level":"info","message":"first","node":"n"}\n') }
    })
    const running = start(t, node, [launcher, 'logs', 'hello', '-f', '--data', fake.data])
    await running.says(/first/)
    process.kill(-(running.child.pid as number), 'SIGINT')
    const { code, stderr } = await running.ended
    t.is(code, 0, stderr)
  })
}

test('under the pinned Node the launcher runs the command in its own process', async (t) => {
  const running = start(t, pinned, [await fakeCheckout(t, process.versions.node, ECHO), 'a', '--b=c d'])
  const { code, stdout } = await running.ended
  const { pid, args } = JSON.parse(stdout)
  t.is(pid, running.child.pid)
  t.deepEqual(args, ['a', '--b=c d'])
  t.is(code, 7)
})

test('notes that nobody reads change neither the result nor the exit code', async (t) => {
  const fake = await startFakeNode(t, {
    'POST /2015-03-31/functions/hello/invocations': { body: '{"ok":true}' }
  })
  // The reading end is closed before anything is written.
  const script = `"$0" "$@" 2> >(exec true) & wait $!`
  const args = ['-c', script, pinned, launcher, 'invoke', 'hello', '--data', fake.data]
  const { code, stdout } = await start(t, 'bash', args).ended
  t.is(stdout, '{"ok":true}\n')
  t.is(code, 0)
})

test('a result that finds no room on the disk is a failure, and says so', async (t) => {
  const fake = await startFakeNode(t, { 'GET /v1/peers': { json: [] } })
  const args = ['-c', 'exec "$0" "$@" > /dev/full', pinned, launcher, 'peers', '--json', '--data', fake.data]
  const { code, stderr } = await start(t, 'bash', args).ended
  t.is(code, 1)
  t.regex(stderr, /^error: the result could not be written: ENOSPC/)
})

test('a command that ran before is not rid of its types again, which would take longer than all else', async (t) => {
  const preload = join(await temporaryFolder(t), 'loaded.cjs')
  await writeFile(
    preload,
    `process.on('exit', () => console.error('compiler ' + process.moduleLoadList.some((name) => name.includes('deps/amaro'))))`
  )
  const help = () => start(t, pinned, ['--require', preload, launcher, '--help']).ended
  await help()
  t.regex((await help()).stderr, /^compiler false$/m)
})

test('a command that talks to a node loads no client of HTTP beside the one that it uses', async (t) => {
  const fake = await startFakeNode(t, { 'POST /2015-03-31/functions/hello/invocations': { json: { ok: true } } })
  const preload = join(await temporaryFolder(t), 'loaded.cjs')
  await writeFile(
    preload,
    `process.on('exit', () => console.error('undici ' + process.moduleLoadList.some((name) => name.includes('deps/undici'))))`
  )
  const { code, stderr } = await start(t, pinned, ['--require', preload, launcher, 'invoke', 'hello', '--data', fake.data]).ended
  t.is(code, 0, stderr)
  t.regex(stderr, /^undici false$/m)
})

test('where Node can, the launcher becomes the pinned Node: same process, no warning', async (t) => {
  const running = start(t, pinned, [await fakeCheckout(t, ANOTHER_VERSION, ECHO), 'a', '--b=c d'])
  const { code, stdout, stderr } = await running.ended
  t.is(stderr, '')
  t.deepEqual(JSON.parse(stdout), { version: process.versions.node, args: ['a', '--b=c d'], pid: running.child.pid })
  t.is(code, 7)
})

test('elsewhere the pinned Node is a child with the same arguments, and its exit code is mirrored', async (t) => {
  const running = start(t, pinned, [...(await supervised(t, ECHO)), 'a', '--b=c d'])
  const { code, stdout, stderr } = await running.ended
  const { pid, args } = JSON.parse(stdout)
  t.not(pid, running.child.pid)
  t.deepEqual(args, ['a', '--b=c d'])
  t.is(code, 7, stderr)
})

test('a signal that ends the child ends the launcher in the same way', async (t) => {
  const running = start(t, pinned, await supervised(t, `process.kill(process.pid, 'SIGKILL')`))
  t.is((await running.ended).signal, 'SIGKILL')
})

test('a signal to the launcher reaches the child', async (t) => {
  const running = start(t, pinned, await supervised(t, LISTEN))
  await running.says(/ready/)
  running.child.kill('SIGHUP')
  await running.says(/got SIGHUP/)
  running.child.kill('SIGTERM')
  t.is((await running.ended).code, 0)
})

test('a Ctrl-C, which goes to the whole foreground group, reaches the child once', async (t) => {
  const running = start(t, pinned, await supervised(t, LISTEN))
  await running.says(/ready/)
  process.kill(-(running.child.pid as number), 'SIGINT')
  await running.says(/got SIGINT/)
  // A second one, sent directly by the kernel, would have come before the forwarded one; what is sent now comes after both.
  running.child.kill('SIGUSR2')
  await running.says(/got SIGUSR2/)
  running.child.kill('SIGTERM')
  const { stdout } = await running.ended
  t.is(stdout.match(/got SIGINT/g)?.length, 1)
})

test('a Ctrl-C that npm passes on as well reaches the child once', async (t) => {
  const running = start(t, pinned, await supervised(t, LISTEN))
  await running.says(/ready/)
  process.kill(-(running.child.pid as number), 'SIGINT')
  await running.says(/got SIGINT/)
  running.child.kill('SIGINT')
  running.child.kill('SIGUSR2')
  await running.says(/got SIGUSR2/)
  running.child.kill('SIGTERM')
  const { stdout } = await running.ended
  t.is(stdout.match(/got SIGINT/g)?.length, 1)
})

test('a launcher that is killed outright takes the child with it', async (t) => {
  const running = start(t, pinned, await supervised(t, TIED))
  await running.says(/ready/)
  running.child.kill('SIGKILL')
  // Resolves only when the child, which holds the same stdout, is gone too; else the test times out.
  const { signal, stdout } = await running.ended
  t.is(signal, 'SIGKILL')
  t.notRegex(stdout, /got/)
})

test('without the package that holds the pinned Node, the error says to install', async (t) => {
  const { code, stderr } = await start(t, pinned, [await fakeCheckout(t, 'missing', ECHO)]).ended
  t.is(code, 1)
  t.regex(stderr, /not installed/)
  t.regex(stderr, /npm install/)
})

test('with the package but without its binary, the error says that scripts must run', async (t) => {
  const { code, stderr } = await start(t, pinned, [await fakeCheckout(t, 'unbuilt', ECHO)]).ended
  t.is(code, 1)
  t.regex(stderr, /install script did not run/)
  t.regex(stderr, /npm rebuild node/)
})
