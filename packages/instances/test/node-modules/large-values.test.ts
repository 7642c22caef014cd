import test from 'ava'
import { compare } from './_compare.ts'

/** What requests of some megabytes are made of: nothing on their way may take a stack that grows with them. */
test('values of megabytes are what they are under Node', async (t) => {
  await compare(t, [
    `Buffer.from('QUJD'.repeat(1_300_000), 'base64').length`,
    `Buffer.from('QUJD'.repeat(1_300_000) + 'QQ==', 'base64').subarray(-2).toString()`,
    `Buffer.from('QUJD'.repeat(1_300_000) + '\\n', 'base64').length`,
    `Buffer.from('QU-_'.repeat(1_000_000), 'base64url').length`,
    `['QUJDR===', 'QUJD=QUJD', 'QUJDRA=', '====', 'QUI=QUI='].map((end) => Buffer.from('QUJD'.repeat(20) + end, 'base64').toString('hex'))`,
    `Buffer.byteLength('QUJD'.repeat(1_000_000), 'base64')`,
    `Buffer.from('ü'.repeat(2_000_000)).toString('base64').length`,
    `Buffer.from('ff'.repeat(2_000_000), 'hex').length`,
    `Buffer.from('ab'.repeat(2_000_000), 'latin1').toString('utf16le').length`,
    `Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from('abc'))).length`,
    `Buffer.alloc(4_000_000, 'xyz').indexOf('zzz')`,
    `Buffer.from(Array.from({ length: 300_000 }, (_, index) => index)).at(-1)`,
    `atob(btoa('x'.repeat(4_000_000))).length`,
    `(() => { try { atob('*'.repeat(4_000_000)) } catch (error) { return error.name } })()`,
    `new TextDecoder().decode(new TextEncoder().encode('ü€😀'.repeat(500_000))).length`,
    `new TextDecoder('latin1').decode(new Uint8Array(4_000_000).fill(233)).length`,
    `new URLSearchParams('a=' + '%41'.repeat(1_000_000)).get('a').length`,
    `new URLSearchParams('a=' + '%41'.repeat(1_000_000) + '%zz').get('a').length`,
    `[...new URLSearchParams(Array.from({ length: 100_000 }, (_, index) => 'k' + index + '=v').join('&'))].length`,
    `new URLSearchParams({ a: 'ü '.repeat(500_000) }).toString().length`,
    `new URL('http://example.com/' + 'a/'.repeat(500_000)).pathname.length`,
    `new URL('http://example.com/?' + 'a=b&'.repeat(500_000)).search.length`,
    `new URL('http://example.com/' + '../a/'.repeat(100_000)).pathname.length`,
    `new URL('http://' + 'a.'.repeat(60) + 'example.com/' + '%41'.repeat(300_000)).pathname.length`,
    `Object.keys(require('querystring').parse(Array.from({ length: 900 }, (_, index) => 'k' + index + '=' + '%41'.repeat(1_000)).join('&'))).length`,
    `require('querystring').escape('ü '.repeat(500_000)).length`,
    `require('path').join(...Array.from({ length: 50_000 }, () => 'a')).length`,
    `require('util').inspect('x\\n\\''.repeat(300_000)).length`,
    `require('util').inspect(Array.from({ length: 200_000 }, (_, index) => index)).length`,
    `require('util').isDeepStrictEqual(Array.from({ length: 200_000 }, (_, index) => ({ index })), Array.from({ length: 200_000 }, (_, index) => ({ index })))`,
    `require('util').format('%s'.repeat(10_000), ...Array.from({ length: 10_000 }, (_, index) => index)).length`,
    `require('util').stripVTControlCharacters('\\u001b[31mx'.repeat(300_000)).length`,
    `structuredClone(Array.from({ length: 200_000 }, (_, index) => ({ index }))).length`,
    `structuredClone(new Map(Array.from({ length: 100_000 }, (_, index) => [index, 'v']))).size`,
    `(await new Response('ü'.repeat(2_000_000)).text()).length`,
    `(await new Response(new Uint8Array(4_000_000)).arrayBuffer()).byteLength`,
    `(await new Response(JSON.stringify(Array.from({ length: 200_000 }, (_, index) => index))).json()).length`,
    `(await new Response(new URLSearchParams({ a: 'x'.repeat(2_000_000) })).formData()).get('a').length`,
    `await (async () => { const form = new FormData(); form.append('text', 'x'.repeat(1_000_000)); form.append('file', new Blob([new Uint8Array(2_000_000)]), 'f'); const back = await new Response(form).formData(); return [back.get('text').length, back.get('file').size] })()`,
    `await (async () => { const blob = new Blob(Array.from({ length: 50_000 }, () => 'abc')); return [blob.size, (await blob.text()).length, blob.slice(7, 100_000).size] })()`,
    `new Headers(Array.from({ length: 5_000 }, (_, index) => ['x-' + index, 'v'])).get('x-4999')`,
    `(() => { const headers = new Headers(); for (let index = 0; index < 3_000; index++) headers.append('a', 'v'); return headers.get('a').length })()`,
    `require('crypto').createHash('sha256').update('x'.repeat(4_000_000)).digest('hex')`,
    `Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(4_000_000))).toString('hex')`,
    `require('zlib').gunzipSync(require('zlib').gzipSync('x'.repeat(4_000_000))).length`,
    `(await new Response(new Blob(['y'.repeat(3_000_000)]).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'))).text()).length`,
    `new (require('string_decoder').StringDecoder)('utf8').write(Buffer.from('€'.repeat(1_000_000))).length`,
    `await (async () => { const { Readable } = require('stream'); let size = 0; for await (const part of Readable.from(Array.from({ length: 20_000 }, () => 'abc'))) size += part.length; return size })()`,
    `await (async () => { const { EventEmitter } = require('events'); const emitter = new EventEmitter().setMaxListeners(0); let calls = 0; for (let index = 0; index < 20_000; index++) emitter.on('x', () => calls++); emitter.emit('x'); return calls })()`,
    `(() => { const fs = require('fs'); fs.writeFileSync('/tmp/peerless-large-value', 'x'.repeat(3_000_000)); const { length } = fs.readFileSync('/tmp/peerless-large-value', 'utf8'); fs.rmSync('/tmp/peerless-large-value'); return length })()`
  ])
})

test('any bytes and any characters are UTF-8 as under Node, in whatever pieces', async (t) => {
  const chance = 'let seed = 7; const next = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) >> 16) & 255'
  const bytes =
    'Uint8Array.from({ length: next() % 9 }, () => { const byte = next(); return byte < 96 ? byte : byte < 128 ? 0xef : byte < 144 ? 0xbb : byte < 160 ? 0xbf : byte })'
  const told = "require('crypto').createHash('sha256').update(out).digest('hex')"
  await compare(t, [
    `(() => { ${chance}; let out = ''; for (let round = 0; round < 4_000; round++) { const given = ${bytes}; for (const fatal of [false, true]) for (const ignoreBOM of [false, true]) { try { out += JSON.stringify(new TextDecoder('utf-8', { fatal, ignoreBOM }).decode(given)) } catch (error) { out += error.name + error.code } } } return ${told} })()`,
    `(() => { ${chance}; let out = ''; for (let round = 0; round < 2_000; round++) { const decoder = new TextDecoder('utf8', { fatal: next() < 64 }); try { for (let part = next() % 4; part >= 0; part--) out += JSON.stringify(decoder.decode(${bytes}, { stream: part > 0 })) } catch (error) { out += error.name } } return ${told} })()`,
    `(() => { ${chance}; let out = ''; for (let round = 0; round < 4_000; round++) { const text = String.fromCharCode(...Array.from({ length: next() % 6 }, () => (next() < 128 ? 0xd700 + next() * 4 : next() * 257))); const target = new Uint8Array(next() % 12); const { read, written } = new TextEncoder().encodeInto(text, target); out += Buffer.from(new TextEncoder().encode(text)).toString('hex') + read + written + Buffer.from(target).toString('hex') } return ${told} })()`,
    `[4_095, 4_096, 4_097, 12_288].map((length) => new TextDecoder().decode(new TextEncoder().encode('é€😀x'.repeat(length).slice(0, length))).length)`
  ])
})
