import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import test from 'ava'
import { findConfinement } from '../src/confinement.ts'
import { jailArguments, librariesOf } from '../src/jail.ts'
import { start } from './_instances.ts'
import { isActive, withDescendants } from './_machine.ts'
import { pidOfExecutors } from './_processes.ts'

/** Every file below the root of a process. */
function filesOf(pid: number, folder = ''): string[] {
  return readdirSync(`/proc/${pid}/root${folder}`, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(pid, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`]
  )
}

test.serial('an executor has a root with Node, its libraries and the addon in it, and nothing else', async (t) => {
  const { define, instances } = await start(t)
  if (!isActive(t, instances, 'file system')) return
  t.is((await define('exports.handler = async () => 1').result({})).json, 1)
  const executors = pidOfExecutors()
  t.true(executors.length > 0)
  for (const outer of executors) {
    // The next spare one may just be set up: `bwrap` has its new root below the old one then.
    while (existsSync(`/proc/${withDescendants(outer).at(-1)}/root/newroot`))
      await new Promise((resolve) => setImmediate(resolve))
    const pid = withDescendants(outer).at(-1) as number
    t.not(pid, outer)
    const files = filesOf(pid).filter((path) => path !== '/etc/ld.so.cache')
    t.true(files.includes(process.execPath), `${files}`)
    t.deepEqual(
      files.filter(
        (path) => path !== process.execPath && !/\/(lib[^/]*|ld-[^/]*)\.so[.\d]*$|\/isolated-vm[^/]*\.node$/.test(path)
      ),
      []
    )
    for (const kind of ['user', 'pid', 'net', 'ipc', 'uts', 'mnt']) {
      t.not(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind)
    }
  }
})

test('the files that a program is linked with', async (t) => {
  const libraries = await librariesOf('/usr/bin/ldd', [process.execPath])
  t.true(
    libraries.some((path) => /libc\.(so|musl)/.test(path)),
    `${libraries}`
  )
  t.true(libraries.every((path) => path.startsWith('/')))
  t.deepEqual(await librariesOf('/nowhere/ldd', [process.execPath]), [])
})

test('each file is bound once, and only to be read', (t) => {
  const words = jailArguments('/n/node', '/a/addon.node', ['/lib/libc.so.6', '/n/node'], ['--extra'])
  const binds = words.flatMap((word, index) =>
    word.startsWith('--bind') || word === '--ro-bind' ? [[word, words[index + 1], words[index + 2]]] : []
  )
  t.deepEqual(binds, [
    ['--ro-bind', '/n/node', '/n/node'],
    ['--ro-bind', '/a/addon.node', '/a/addon.node'],
    ['--ro-bind', '/lib/libc.so.6', '/lib/libc.so.6']
  ])
  t.true(words.includes('--extra'))
  t.is(words.at(-1), '--')
})

test('where not everything works, each part is tried by itself and told of with its reason', async (t) => {
  // Any program that knows `--version`, and an addon that is nowhere: it can be neither bound nor read.
  const { layers } = await findConfinement('/usr/bin/env', '/nowhere/addon.node', [])
  const layerOf = (name: string) => layers.find(({ layer }) => layer === name)
  const whole = await findConfinement(process.execPath, process.execPath, [])
  const limits = whole.layers.find(({ layer }) => layer === 'resource limits')
  t.deepEqual(layerOf('resource limits'), limits, 'they work without the addon')
  t.is(layerOf('file system')?.active, false)
  t.regex(layerOf('file system')?.detail ?? '', /^bwrap: ./)
  t.is(layerOf('user')?.active, false)
  t.truthy(layerOf('namespaces')?.detail)
})
