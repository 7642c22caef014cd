import { rmSync } from 'node:fs'
import { encode } from '@peerless/wire'
import test from 'ava'
import { start } from '../_instances.ts'
import { compare } from './_compare.ts'

/** The same place on both sides, since messages name it. */
const FOLDER = '/tmp/peerless-files-table'
test.before(() => rmSync(FOLDER, { recursive: true, force: true }))
test.after.always(() => rmSync(FOLDER, { recursive: true, force: true }))

/** Each in a fresh folder D, with fs and fs/promises at hand. */
const inFolder = (body: string): string =>
  `await (async () => { const fs = require('fs'), fsp = require('fs/promises'), D = '${FOLDER}'; fs.rmSync(D, { recursive: true, force: true }); fs.mkdirSync(D); ${body} })()`

const GLOBBED = `fs.mkdirSync(D + '/a/b', { recursive: true }); for (const f of ['x.txt', 'a/y.txt', 'a/b/z.js']) fs.writeFileSync(D + '/' + f, '')`

const TREE = `fs.mkdirSync(D + '/s/t/u', { recursive: true }); fs.writeFileSync(D + '/s/f', '1'); fs.writeFileSync(D + '/s/t/g', '2', { mode: 0o600 }); fs.symlinkSync('t/g', D + '/s/link')`
const LISTED = `const listed = () => fs.readdirSync(D + '/c', { recursive: true }).sort().map((n) => { const stats = fs.lstatSync(D + '/c/' + n); return [n, stats.isFile() ? fs.readFileSync(D + '/c/' + n, 'utf8') : stats.isSymbolicLink() ? fs.readlinkSync(D + '/c/' + n) : 'folder'] })`

const expressions = [
  inFolder(`${TREE}; ${LISTED}; await fsp.cp(D + '/s', D + '/c', { recursive: true }); return listed()`),
  inFolder(
    `${TREE}; ${LISTED}; await new Promise((r, n) => fs.cp(D + '/s', D + '/c', { recursive: true, verbatimSymlinks: true }, (e) => e ? n(e) : r())); return listed()`
  ),
  inFolder(`${TREE}; ${LISTED}; fs.cpSync(D + '/s', D + '/c', { recursive: true }); return listed()`),
  inFolder(
    `${TREE}; ${LISTED}; fs.cpSync(D + '/s', D + '/c', { recursive: true, filter: (from) => !from.endsWith('g') }); fs.writeFileSync(D + '/c/f', 'kept'); fs.cpSync(D + '/s', D + '/c', { recursive: true, force: false }); return listed()`
  ),
  inFolder(
    `${TREE}; fs.mkdirSync(D + '/c'); fs.writeFileSync(D + '/c/f', 'before'); await fsp.cp(D + '/s', D + '/c', { recursive: true }); return fs.readFileSync(D + '/c/f', 'utf8')`
  ),
  inFolder(
    `${TREE}; fs.cpSync(D + '/s', D + '/c', { recursive: true, dereference: true }); return [fs.lstatSync(D + '/c/link').isFile(), fs.readFileSync(D + '/c/link', 'utf8')]`
  ),
  inFolder(
    `${TREE}; fs.utimesSync(D + '/s/f', 1000, 2000); fs.cpSync(D + '/s/f', D + '/g', { preserveTimestamps: true }); return fs.statSync(D + '/g').mtimeMs`
  ),
  ...[
    `fs.cpSync(D + '/s', D + '/c')`,
    `fs.cpSync(D + '/s', D + '/s/t/v', { recursive: true })`,
    `fs.cpSync(D + '/s', D + '/s', { recursive: true })`,
    `fs.cpSync(D + '/s/f', D + '/s/t')`,
    `fs.cpSync(D + '/s', D + '/s/f', { recursive: true })`,
    `fs.cpSync(D + '/s/f', D + '/s/t/g', { force: false, errorOnExist: true })`,
    `fs.cpSync(D + '/nope', D + '/c')`,
    `fs.cpSync(D + '/s/f', D + '/c', { filter: async () => true })`
  ].map((call) => inFolder(`${TREE}; try { ${call}; return 'copied' } catch (error) { return [error.name, error.code] }`)),
  inFolder(
    `${TREE}; return [fs.readdirSync(D, { recursive: true }), (await fsp.readdir(D, { recursive: true })).sort(), fs.readdirSync(D, { recursive: true, withFileTypes: true }).map((d) => [d.name, d.parentPath, d.isFile(), d.isDirectory(), d.isSymbolicLink()])]`
  ),
  inFolder(
    `${TREE}; return [(await fsp.readdir(D, { recursive: true, withFileTypes: true })).map((d) => d.parentPath + '/' + d.name).sort(), fs.readdirSync(D + '/s', 'hex'), fs.readlinkSync(D + '/s/link', 'base64')]`
  ),
  inFolder(
    `const made = fs.mkdtempSync(Buffer.from(D + '/é-')); return [made.length - D.length, made.startsWith(D + '/é-'), Buffer.isBuffer(fs.mkdtempSync(D + '/x', 'buffer'))]`
  ),
  inFolder(
    `fs.writeFileSync(D + '/run', '', { mode: 0o755 }); fs.copyFileSync(D + '/run', D + '/copy'); return (fs.statSync(D + '/copy').mode & 0o777).toString(8)`
  ),
  inFolder(
    `fs.writeFileSync(D + '/old', ''); fs.utimesSync(D + '/old', new Date(-1500), new Date(-40250)); const { mtimeMs, atime } = fs.statSync(D + '/old'); return [mtimeMs, atime.getTime()]`
  ),
  inFolder(
    `const before = process.cwd(); fs.mkdirSync(D + '/w'); try { process.chdir(D + '/w'); fs.writeFileSync('here', 'x'); return [process.cwd(), require('path').resolve('a'), fs.existsSync(D + '/w/here')] } finally { process.chdir(before) }`
  ),
  inFolder(`try { process.chdir(D + '/nope') } catch ({ code, syscall, dest }) { return [code, syscall, dest] }`),
  inFolder(`return process.chdir(5)`),
  inFolder(
    `fs.writeFileSync(D + '/b', 'héllo'); const blob = await fs.openAsBlob(D + '/b', { type: 'text/x' }); return [await blob.text(), blob.type, blob.size]`
  ),
  inFolder(
    `const watcher = fs.watch(D, () => {}); const closed = new Promise((r) => watcher.once('close', () => r('closed'))); watcher.unref(); watcher.close(); const deep = fs.watch(D, { recursive: true }); deep.close(); return [watcher instanceof require('events'), watcher.listenerCount('change'), await closed]`
  ),
  inFolder(`return fs.watch(D + '/nope')`),
  inFolder(
    `const { uid, gid } = fs.statSync(D); fs.chownSync(D, -1, -1); return [fs.statSync(D).uid === uid, fs.statSync(D).gid === gid]`
  ),
  inFolder(`fs.writeFileSync(D + '/c', ''); fs.watchFile(D + '/c', () => {}); fs.unwatchFile(D + '/c'); return 'unwatched'`),
  ...['"x"', 'undefined'].map((descriptor) => inFolder(`try { fs.closeSync(${descriptor}) } catch { return 'refused' }`)),
  inFolder(`${GLOBBED}; return [fs.globSync('**/*.txt', { cwd: D }).sort(), fs.globSync([D + '/**/*.js', D + '/*.txt']).sort()]`),
  inFolder(
    `${GLOBBED}; return [fs.globSync('**', { cwd: D, withFileTypes: true }).map((d) => [d.name, d.isDirectory()]).sort(), fs.globSync('**/*', { cwd: D, exclude: (n) => n === 'b' }).sort()]`
  ),
  inFolder(
    `${GLOBBED}; const found = []; for await (const f of fsp.glob('**/*.txt', { cwd: D })) found.push(f); return [found.sort(), await new Promise((r) => fs.glob('*', { cwd: D }, (e, l) => r([e, l.sort()])))]`
  ),
  inFolder(`return [fs.globSync('/nope/*'), fs.globSync(5)]`),
  inFolder(
    `fs.writeFileSync(D + '/a', 'héllo'); fs.appendFileSync(D + '/a', Buffer.from(' x')); return [fs.readFileSync(D + '/a', 'utf8'), fs.readFileSync(D + '/a').length, fs.statSync(D + '/a').size]`
  ),
  inFolder(
    `await fsp.writeFile(D + '/a', 'abc'); await fsp.appendFile(D + '/a', 'd'); return [await fsp.readFile(D + '/a', 'latin1'), (await fsp.stat(D + '/a')).isFile(), (await fsp.readdir(D))]`
  ),
  inFolder(
    `return await new Promise((r) => fs.writeFile(D + '/a', 'cb', (e1) => fs.readFile(D + '/a', 'utf8', (e2, t) => r([e1, e2, t]))))`
  ),
  inFolder(
    `const s = new fs.Utf8Stream({ dest: D + '/log', sync: true }); s.write('hé\\n'); s.flushSync(); s.end(); await new Promise((r) => s.once('close', r)); return fs.readFileSync(D + '/log', 'utf8')`
  ),
  inFolder(`return fs.readFileSync(D + '/nope')`),
  inFolder(`return await fsp.readFile(D + '/nope')`),
  inFolder(
    `return await new Promise((r) => fs.readFile(D + '/nope', (e) => r([e.code, e.errno, e.syscall, e.path, e.message])))`
  ),
  inFolder(`return fs.readFileSync(D)`),
  inFolder(`return await fsp.readFile(D)`),
  inFolder(`return fs.readdirSync(D + '/nope')`),
  inFolder(`fs.writeFileSync(D + '/f', ''); return fs.readdirSync(D + '/f')`),
  inFolder(`fs.writeFileSync(D + '/f', ''); return fs.statSync(D + '/f/x')`),
  inFolder(
    `fs.mkdirSync(D + '/x/y/z', { recursive: true }); fs.writeFileSync(D + '/x/y/f', '1'); return [fs.readdirSync(D, { recursive: true }), fs.readdirSync(D + '/x', { withFileTypes: true }).map((d) => [d.name, d.isDirectory(), d.parentPath])]`
  ),
  inFolder(`return fs.mkdirSync(D)`),
  inFolder(`return [fs.mkdirSync(D + '/p/q', { recursive: true }), fs.mkdirSync(D + '/p/q', { recursive: true })]`),
  inFolder(`return fs.mkdirSync(D + '/no/way')`),
  inFolder(`fs.mkdirSync(D + '/d'); fs.writeFileSync(D + '/d/f', ''); return fs.rmdirSync(D + '/d')`),
  inFolder(
    `fs.mkdirSync(D + '/d'); fs.writeFileSync(D + '/d/f', ''); fs.rmSync(D + '/d', { recursive: true }); return fs.existsSync(D + '/d')`
  ),
  inFolder(`return fs.rmSync(D + '/nope')`),
  inFolder(`fs.rmSync(D + '/nope', { force: true }); await fsp.rm(D + '/nope', { force: true }); return 'ok'`),
  inFolder(`fs.writeFileSync(D + '/a', '1'); fs.unlinkSync(D + '/a'); return fs.unlinkSync(D + '/a')`),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); fs.renameSync(D + '/a', D + '/b'); return [fs.existsSync(D + '/a'), fs.readFileSync(D + '/b', 'utf8')]`
  ),
  inFolder(`return fs.renameSync(D + '/a', D + '/b')`),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); fs.copyFileSync(D + '/a', D + '/b'); await fsp.copyFile(D + '/b', D + '/c'); return fs.readdirSync(D)`
  ),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); fs.copyFileSync(D + '/a', D + '/b', fs.constants.COPYFILE_EXCL); return fs.copyFileSync(D + '/a', D + '/b', fs.constants.COPYFILE_EXCL)`
  ),
  inFolder(
    `const fd = fs.openSync(D + '/a', 'w+'); fs.writeSync(fd, 'abcdef'); const b = Buffer.alloc(3); const n = fs.readSync(fd, b, 0, 3, 2); fs.ftruncateSync(fd, 4); const size = fs.fstatSync(fd).size; fs.closeSync(fd); return [n, b.toString(), size, fs.readFileSync(D + '/a', 'utf8')]`
  ),
  inFolder(`const fd = fs.openSync(D + '/a', 'wx'); fs.closeSync(fd); return fs.openSync(D + '/a', 'wx')`),
  inFolder(`fs.writeFileSync(D + '/a', 'x'); const fd = fs.openSync(D + '/a', 'r'); return fs.writeSync(fd, 'y')`),
  inFolder(`return fs.closeSync(12345)`),
  inFolder(
    `fs.writeFileSync(D + '/a', 'old'); fs.writeFileSync(D + '/a', 'X', { flag: 'r+' }); return fs.readFileSync(D + '/a', 'utf8')`
  ),
  inFolder(
    `const h = await fsp.open(D + '/a', 'w+'); await h.writeFile('line1\\nline2\\n'); const { bytesRead } = await h.read(Buffer.alloc(4), 0, 4, 0); await h.close(); const lines = []; for await (const l of (await fsp.open(D + '/a')).readLines()) lines.push(l); return [bytesRead, lines]`
  ),
  inFolder(
    `const w = fs.createWriteStream(D + '/a'); w.write('one '); w.end('two'); await require('events').once(w, 'finish'); let t = ''; for await (const c of fs.createReadStream(D + '/a', { encoding: 'utf8', start: 1, end: 5 })) t += c; return [t, w.bytesWritten]`
  ),
  inFolder(
    `await require('stream/promises').pipeline(require('stream').Readable.from(['a', 'b']), fs.createWriteStream(D + '/a')); return fs.readFileSync(D + '/a', 'utf8')`
  ),
  inFolder(
    `const r = fs.createReadStream(D + '/nope'); const [e] = await require('events').once(r, 'error'); return [e.code, e.message]`
  ),
  inFolder(
    `fs.writeFileSync(D + '/big', 'x'.repeat(200000)); let n = 0, c = 0; for await (const chunk of fs.createReadStream(D + '/big')) { n += chunk.length; c++ } return [n, c]`
  ),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); fs.symlinkSync(D + '/a', D + '/l'); return [fs.readFileSync(D + '/l', 'utf8'), fs.readlinkSync(D + '/l'), fs.lstatSync(D + '/l').isSymbolicLink(), fs.realpathSync(D + '/l')]`
  ),
  inFolder(`fs.symlinkSync(D + '/b', D + '/a'); fs.symlinkSync(D + '/a', D + '/b'); return fs.readFileSync(D + '/a')`),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); fs.chmodSync(D + '/a', 0o600); fs.utimesSync(D + '/a', 5, 10); const s = fs.statSync(D + '/a'); return [(s.mode & 0o777).toString(8), s.mtimeMs, s.atime.toISOString(), s.nlink]`
  ),
  inFolder(
    `fs.writeFileSync(D + '/a', '1'); return [typeof fs.statSync(D + '/a', { bigint: true }).size, fs.statSync(D + '/nope', { throwIfNoEntry: false }) === undefined]`
  ),
  inFolder(`const t = fs.mkdtempSync(D + '/t-'); return [t.length, fs.existsSync(t)]`),
  inFolder(`fs.accessSync(D); return fs.accessSync(D + '/nope')`),
  inFolder(`return await new Promise((r) => fs.access(D + '/nope', fs.constants.R_OK, (e) => r(e.message)))`),
  inFolder(
    `const d = await fsp.opendir(D); fs.writeFileSync(D + '/later', ''); const names = []; for await (const e of d) names.push(e.name); return names.length <= 1`
  ),
  inFolder(
    `fs.mkdirSync(D + '/s/t', { recursive: true }); fs.writeFileSync(D + '/s/t/f', 'deep'); fs.cpSync(D + '/s', D + '/c', { recursive: true }); return fs.readFileSync(D + '/c/t/f', 'utf8')`
  ),
  inFolder(`return fs.writeFileSync(D + '/a', {})`),
  inFolder(`return fs.readFileSync(D + '/a\\0b')`),
  inFolder(`return fs.openSync(D + '/a', 'bad')`),
  inFolder(`return await new Promise((r) => fs.exists(D, r))`),
  inFolder(
    `fs.writeFileSync(D + '/a', 'v'); return [fs.readFileSync(new URL('file://' + D + '/a'), 'utf8'), fs.readFileSync(Buffer.from(D + '/a'), 'utf8')]`
  ),
  inFolder(
    `fs.writeFileSync(D + '/x.json', '{"a":1}'); const rl = require('readline').createInterface({ input: fs.createReadStream(D + '/x.json') }); const out = []; for await (const l of rl) out.push(l); return out`
  ),
  inFolder(
    `fs.truncateSync; fs.writeFileSync(D + '/a', '12345'); fs.truncateSync(D + '/a', 2); await fsp.truncate(D + '/a', 4); return fs.readFileSync(D + '/a').toString('hex')`
  ),
  inFolder(
    `const fd = fs.openSync(D + '/a', 'a+'); fs.writevSync(fd, [Buffer.from('ab'), Buffer.from('c')]); const bs = [Buffer.alloc(1), Buffer.alloc(5)]; const n = fs.readvSync(fd, bs, 0); fs.closeSync(fd); return [n, bs.map(String)]`
  ),
  `require('fs').readFileSync('/dev/null').length`,
  `require('fs').constants.O_CREAT + Object.keys(require('fs').promises).length`,
  `await require('stream/consumers').text(require('stream').Readable.from(['a', 'b']))`
]

test.serial('files in /tmp behave as on disk', async (t) => {
  t.log(`${await compare(t, expressions)} of ${expressions.length} expressions agree`)
})

/** What only a function has: its bundle, read-only, and a limit. */
const SOURCE = `const fs = require('fs')
const codeOf = (run) => { try { return run() } catch (e) { return e.code } }
exports.handler = () => ({
  text: fs.readFileSync(__dirname + '/templates/page.txt', 'utf8'),
  list: fs.readdirSync('/var/task'),
  layer: fs.readFileSync('/opt/data/x', 'utf8'),
  relative: fs.readFileSync('templates/page.txt', 'utf8'),
  write: codeOf(() => fs.writeFileSync('/var/task/new', '')),
  change: codeOf(() => fs.writeFileSync('/var/task/templates/page.txt', '')),
  remove: codeOf(() => fs.unlinkSync('/var/task/templates/page.txt')),
  outside: codeOf(() => fs.readFileSync('/etc/passwd')),
  root: codeOf(() => fs.mkdirSync('/x')),
  full: codeOf(() => fs.writeFileSync('/tmp/big', Buffer.alloc(70 * 1048576))),
  fits: codeOf(() => fs.writeFileSync('/tmp/small', Buffer.alloc(1048576))),
  after: fs.readdirSync('/tmp'),
  task: process.env.LAMBDA_TASK_ROOT
})`

test.serial('a function reads the files of its bundle, writes only to /tmp, and not without end', async (t) => {
  const script = `(() => { const exports = {}, require = __peerlessRequire, __dirname = '/var/task'; ${SOURCE}\nreturn exports })()`
  const files = [
    ['templates/page.txt', Buffer.from('hello')],
    ['opt:/data/x', Buffer.from('layer')]
  ]
  const bytes = encode({ format: 1, script, sourceMap: undefined, builtins: ['fs'], handlerExport: 'handler', files })
  const { define } = await start(t, { loadBundle: async () => bytes })
  const { json } = await define('').result({})
  t.deepEqual(json, {
    text: 'hello',
    list: ['templates'],
    layer: 'layer',
    relative: 'hello',
    write: 'EROFS',
    change: 'EROFS',
    remove: 'EROFS',
    outside: 'ENOENT',
    root: 'EROFS',
    full: 'ENOSPC',
    after: ['big', 'small'],
    task: '/var/task'
  })
})
