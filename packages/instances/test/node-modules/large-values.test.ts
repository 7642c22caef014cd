import test from 'ava'
import { compare } from './_compare.ts'

/** Fifty values of megabytes in one call: V8 gives buffers back some time after it has collected them, on another thread, and until then they count. */
const MEMORY_MB = 256

/** What requests of some megabytes are made of: nothing on their way may take a stack that grows with them. */
test('values of megabytes are what they are under Node', async (t) => {
  await compare(
    t,
    [
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
    ],
    MEMORY_MB
  )
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

/** Executors read and write what is long, in pieces of a megabyte: where one ends, characters and malformed parts lie across it in every way. */
test('long UTF-8 of buffers is what it is under Node, wherever it is cut', async (t) => {
  const chance = 'let seed = 11; const next = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) >> 16) & 255'
  const hash = "const hash = (text) => require('crypto').createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 12)"
  const bytes = `const some = Buffer.from(Array.from({ length: 4_099 }, () => { const byte = next(); return byte < 40 ? byte : byte < 100 ? 0x80 + (byte & 63) : [0xf0, 0x9f, 0x98, 0x80, 0xe2, 0x82, 0xac, 0xc3][byte & 7] }))`
  const text = `const some = String.fromCharCode(...Array.from({ length: 4_099 }, () => (next() < 128 ? 0xd800 + next() * 8 : next() * 257)))`
  await compare(t, [
    `(() => { ${chance}; ${hash}; ${bytes}; return [32_767, 32_768, 32_769, 1_048_575, 1_048_576, 1_048_577, 1_048_578, 1_048_579, 1_048_580, 3_200_000].map((size) => hash(Buffer.alloc(size, some).toString())) })()`,
    `(() => { ${chance}; ${hash}; ${bytes}; const large = Buffer.alloc(1_100_000, some); return [0, 1, 2, 3, 4, 5, 6, 7, 8].map((start) => hash(large.toString('utf8', start, 1_050_000 + start))) })()`,
    `(() => { ${hash}; return [0x80, 0xe2, 0xf0, 0x41].map((byte) => hash(Buffer.alloc(1_050_000, byte).toString())) })()`,
    `(() => { ${chance}; ${text}; const large = some.repeat(260); return [32_767, 32_768, 1_048_575, 1_048_576, 1_048_577, 1_048_578, 1_060_000].map((size) => require('crypto').createHash('md5').update(Buffer.from(large.slice(0, size))).digest('hex')) })()`,
    `(() => { ${chance}; ${text}; const large = some.repeat(260); return [32_767, 32_768, 32_769, 40_001, 1_048_576, 1_048_577, 2_000_003].map((size) => { const target = Buffer.alloc(size); const written = target.write(large, 3); return [written, require('crypto').createHash('md5').update(target).digest('hex')] }) })()`,
    `(() => { ${chance}; ${text}; const large = some.repeat(20); return [Buffer.byteLength(large), Buffer.alloc(100_000, large).toString('latin1').length, Buffer.from('x' + large).indexOf(large), Buffer.from(large).equals(Buffer.from(new TextEncoder().encode(large)))] })()`,
    `[1_048_574, 1_048_575, 1_048_576].flatMap((size) => { const large = 'x'.repeat(size) + '😀'.repeat(300_000); return [Buffer.byteLength(large), Buffer.from(large).subarray(size - 2, size + 6).toString('hex'), Buffer.alloc(2_000_000).write(large, 1)] })`,
    `(() => { const decoder = new (require('string_decoder').StringDecoder)('utf8'); const large = Buffer.from('aé€😀'.repeat(100_000)); let out = ''; for (let at = 0; at < large.length; at += 70_001) out += decoder.write(large.subarray(at, at + 70_001)); return [out.length, out === large.toString(), decoder.end()] })()`
  ])
})
