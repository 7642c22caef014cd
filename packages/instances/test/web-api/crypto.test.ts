import test from 'ava'
import { share } from '../_instances.ts'
import { compare } from './_compare.ts'

const JWK = `{ kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', alg: 'A128GCM', ext: true }`
const RAW = 'bytes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)'
const make = (algorithm: string, usages: string, extractable = true) =>
  `crypto.subtle.generateKey(${algorithm}, ${extractable}, ${JSON.stringify(usages.split(' '))})`
const raw = (algorithm: string, usages: string, extractable = true) =>
  `crypto.subtle.importKey('raw', ${RAW}, ${algorithm}, ${extractable}, ${JSON.stringify(usages.split(' '))})`
const look = `const look = (key) => [key.type, key.extractable, key.algorithm, key.usages, Object.prototype.toString.call(key)];`
const inAsync = (body: string) => `(async () => { ${look} ${body} })()`

/** Signs and verifies, and what was changed is not verified. */
const signs = (algorithm: string, use: string) =>
  inAsync(`const { publicKey, privateKey } = await ${make(algorithm, 'sign verify')}
    const signature = await crypto.subtle.sign(${use}, privateKey, utf8('m'))
    const copy = await crypto.subtle.importKey('spki', await crypto.subtle.exportKey('spki', publicKey), ${algorithm}, true, ['verify'])
    const again = await crypto.subtle.importKey('pkcs8', await crypto.subtle.exportKey('pkcs8', privateKey), ${algorithm}, false, ['sign'])
    const jwk = await crypto.subtle.exportKey('jwk', privateKey)
    return [look(publicKey), look(privateKey), look(again), signature.byteLength > 60, await crypto.subtle.verify(${use}, copy, signature, utf8('m')),
      await crypto.subtle.verify(${use}, copy, signature, utf8('n')), Object.keys(jwk).sort(), jwk.kty, jwk.crv, jwk.alg, jwk.key_ops]`)

const encrypts = (algorithm: string, params: string) =>
  inAsync(`const key = await ${raw(algorithm, 'encrypt decrypt')}
    const secret = await crypto.subtle.encrypt(${params}, key, utf8('attack at dawn'))
    return [look(key), secret, new TextDecoder().decode(await crypto.subtle.decrypt(${params}, key, secret))]`)

const DIGESTS = [
  ...['SHA-1', 'SHA-256', 'sha-384', 'SHA-512'].map((name) => `crypto.subtle.digest('${name}', utf8('abc'))`),
  `crypto.subtle.digest({ name: 'SHA-256' }, new ArrayBuffer(0))`,
  `crypto.subtle.digest('MD5', utf8('abc'))`,
  `crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['sign']).catch((error) => [error.name, error.code, error instanceof DOMException])`,
  `crypto.subtle.digest('SHA-256', 'text')`,
  `crypto.subtle.digest('SHA-256', new DataView(utf8('xabc').buffer, 1))`
]

const SECRET = [
  encrypts(`'AES-GCM'`, `{ name: 'AES-GCM', iv: new Uint8Array(12), additionalData: utf8('more'), tagLength: 96 }`),
  encrypts(`{ name: 'AES-CBC' }`, `{ name: 'AES-CBC', iv: new Uint8Array(16) }`),
  encrypts(`'aes-ctr'`, `{ name: 'AES-CTR', counter: new Uint8Array(16), length: 64 }`),
  inAsync(
    `const key = await crypto.subtle.importKey('jwk', ${JWK}, 'AES-GCM', true, ['encrypt']); return [look(key), await crypto.subtle.exportKey('raw', key), await crypto.subtle.exportKey('jwk', key)]`
  ),
  inAsync(
    `const key = await ${make(`{ name: 'AES-GCM', length: 256 }`, 'encrypt decrypt')}; return [look(key), (await crypto.subtle.exportKey('raw', key)).byteLength]`
  ),
  inAsync(
    `const key = await ${make(`{ name: 'AES-GCM', length: 256 }`, 'encrypt', false)}; return [look(key), await crypto.subtle.exportKey('raw', key).catch((e) => e.name)]`
  ),
  inAsync(
    `const key = await ${raw(`'AES-GCM'`, 'encrypt')}; return await crypto.subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, new Uint8Array(32)).catch((e) => e.name)`
  ),
  inAsync(
    `const key = await ${raw(`'AES-GCM'`, 'decrypt')}; return await crypto.subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, new Uint8Array(32)).catch((e) => e.name)`
  ),
  inAsync(
    `const key = await ${raw(`'AES-GCM'`, 'encrypt')}; return await crypto.subtle.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, key, utf8('x')).catch((e) => e.name)`
  ),
  inAsync(
    `const key = await ${raw(`{ name: 'HMAC', hash: 'SHA-256' }`, 'sign verify')}; const mac = await crypto.subtle.sign('HMAC', key, utf8('m')); return [look(key), mac, await crypto.subtle.verify('HMAC', key, mac, utf8('m')), await crypto.subtle.verify('HMAC', key, mac, utf8('n'))]`
  ),
  inAsync(
    `const key = await ${make(`{ name: 'HMAC', hash: 'SHA-512' }`, 'sign')}; return [look(key), (await crypto.subtle.exportKey('jwk', key)).alg]`
  ),
  inAsync(
    `const kek = await ${raw(`'AES-KW'`, 'wrapKey unwrapKey')}; const key = await ${raw(`'AES-CBC'`, 'encrypt')}; const wrapped = await crypto.subtle.wrapKey('raw', key, kek, 'AES-KW'); const back = await crypto.subtle.unwrapKey('raw', wrapped, kek, 'AES-KW', 'AES-CBC', true, ['encrypt']); return [wrapped, look(back), await crypto.subtle.exportKey('raw', back)]`
  ),
  inAsync(
    `const kek = await ${raw(`'AES-GCM'`, 'encrypt wrapKey unwrapKey')}; const params = { name: 'AES-GCM', iv: new Uint8Array(12) }
    const { privateKey } = await ${make(`{ name: 'ECDSA', namedCurve: 'P-256' }`, 'sign verify')}
    const jwk = { ...(await crypto.subtle.exportKey('jwk', privateKey)), ext: false }
    const wrapped = await crypto.subtle.encrypt(params, kek, utf8(JSON.stringify(jwk)))
    const back = (extractable) => crypto.subtle.unwrapKey('jwk', wrapped, kek, params, { name: 'ECDSA', namedCurve: 'P-256' }, extractable, ['sign'])
    const none = await crypto.subtle.encrypt(params, kek, utf8('no JWK'))
    return [look(await back(false)), await back(true).catch((e) => e.name),
      await crypto.subtle.unwrapKey('jwk', none, kek, params, 'AES-CBC', true, ['encrypt']).catch((e) => e.name)]`
  ),
  inAsync(
    `const kek = await ${raw(`'AES-KW'`, 'wrapKey unwrapKey')}; const key = await ${raw(`'AES-CBC'`, 'encrypt')}
    const wrapped = await crypto.subtle.wrapKey('jwk', key, kek, 'AES-KW').catch(() => crypto.subtle.wrapKey('raw', key, kek, 'AES-KW'))
    const raw = await crypto.subtle.wrapKey('raw', key, kek, 'AES-KW')
    const password = await crypto.subtle.unwrapKey('raw', raw, kek, 'AES-KW', 'HKDF', false, ['deriveBits'])
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: bytes(), info: bytes() }
    return [wrapped.byteLength > 0, look(password), await crypto.subtle.deriveBits(hkdf, password, 128),
      await crypto.subtle.unwrapKey('raw', raw, kek, 'AES-KW', 'HKDF', true, ['deriveBits']).catch((e) => e.name)]`
  ),
  inAsync(`return [(await ${make(`{ name: 'AES-GCM', length: 128 }`, 'encrypt encrypt decrypt encrypt decrypt encrypt decrypt encrypt encrypt')}).usages,
    await crypto.subtle.digest({}, bytes(1)).catch((e) => e.name)]`),
  inAsync(
    `const kek = await ${raw(`'AES-GCM'`, 'wrapKey unwrapKey')}; const key = await ${raw(`{ name: 'HMAC', hash: 'SHA-256' }`, 'sign')}; const params = { name: 'AES-GCM', iv: new Uint8Array(12) }; const back = await crypto.subtle.unwrapKey('jwk', await crypto.subtle.wrapKey('jwk', key, kek, params), kek, params, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']); return [look(back), await crypto.subtle.exportKey('raw', back)]`
  ),
  inAsync(
    `const key = await crypto.subtle.importKey('raw', utf8('password'), 'PBKDF2', false, ['deriveBits', 'deriveKey']); const params = { name: 'PBKDF2', salt: utf8('salt'), iterations: 1000, hash: 'SHA-256' }; const derived = await crypto.subtle.deriveKey(params, key, { name: 'AES-GCM', length: 128 }, true, ['encrypt']); return [look(key), await crypto.subtle.deriveBits(params, key, 256), look(derived), await crypto.subtle.exportKey('raw', derived)]`
  ),
  inAsync(
    `const key = await crypto.subtle.importKey('raw', utf8('secret'), 'HKDF', false, ['deriveBits']); return await crypto.subtle.deriveBits({ name: 'HKDF', salt: utf8('s'), info: utf8('i'), hash: 'SHA-256' }, key, 128)`
  ),
  `crypto.subtle.importKey('raw', utf8('x'), 'HKDF', true, ['deriveBits']).catch((e) => e.name)`,
  `crypto.subtle.importKey('raw', bytes(1), 'AES-GCM', true, ['encrypt']).catch((e) => e.name)`,
  `crypto.subtle.importKey('raw', ${RAW}, 'AES-GCM', true, []).catch((e) => e.name)`,
  `crypto.subtle.importKey('raw', ${RAW}, 'AES-GCM', true, ['sign']).catch((e) => e.name)`,
  `crypto.subtle.importKey('raw', ${RAW}, 'AES-GCM', true, ['nonsense']).catch((e) => e.name)`,
  `crypto.subtle.importKey('nonsense', ${RAW}, 'AES-GCM', true, ['encrypt']).catch((e) => e.name)`,
  `crypto.subtle.importKey('raw', ${RAW}, 'NOPE', true, ['encrypt']).catch((e) => e.name)`,
  `crypto.subtle.generateKey({ name: 'AES-GCM', length: 100 }, true, ['encrypt']).catch((e) => e.name)`,
  `crypto.subtle.sign('HMAC', {}, utf8('x')).catch((e) => e.name)`
]

const PAIRS = [
  signs(`{ name: 'ECDSA', namedCurve: 'P-256' }`, `{ name: 'ECDSA', hash: 'SHA-256' }`),
  signs(`{ name: 'ECDSA', namedCurve: 'P-521' }`, `{ name: 'ECDSA', hash: 'SHA-512' }`),
  signs(
    `{ name: 'RSA-PSS', modulusLength: 1024, publicExponent: bytes(1, 0, 1), hash: 'SHA-256' }`,
    `{ name: 'RSA-PSS', saltLength: 32 }`
  ),
  signs(
    `{ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: bytes(1, 0, 1), hash: 'SHA-256' }`,
    `'RSASSA-PKCS1-v1_5'`
  ),
  signs(`'Ed25519'`, `'Ed25519'`),
  inAsync(
    `const { publicKey, privateKey } = await ${make(`{ name: 'RSA-OAEP', modulusLength: 1024, publicExponent: bytes(1, 0, 1), hash: 'SHA-1' }`, 'encrypt decrypt')}; const params = { name: 'RSA-OAEP', label: utf8('l') }; const secret = await crypto.subtle.encrypt(params, publicKey, utf8('hi')); return [look(publicKey), look(privateKey), secret.byteLength, new TextDecoder().decode(await crypto.subtle.decrypt(params, privateKey, secret))]`
  ),
  ...[`{ name: 'ECDH', namedCurve: 'P-384' }`, `{ name: 'X25519' }`].map((algorithm) =>
    inAsync(
      `const a = await ${make(algorithm, 'deriveBits deriveKey')}; const b = await ${make(algorithm, 'deriveBits')}; const one = await crypto.subtle.deriveBits({ ...${algorithm}, public: b.publicKey }, a.privateKey, 256); const other = await crypto.subtle.deriveBits({ ...${algorithm}, public: a.publicKey }, b.privateKey, 256); const key = await crypto.subtle.deriveKey({ ...${algorithm}, public: b.publicKey }, a.privateKey, { name: 'AES-GCM', length: 256 }, false, ['encrypt']); return [new Uint8Array(one).toHex() === new Uint8Array(other).toHex(), look(a.publicKey), look(a.privateKey), look(key)]`
    )
  ),
  inAsync(
    `const { publicKey } = await ${make(`{ name: 'ECDSA', namedCurve: 'P-256' }`, 'sign verify')}; const point = await crypto.subtle.exportKey('raw', publicKey); return [point.byteLength, look(await crypto.subtle.importKey('raw', point, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']))]`
  ),
  `crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-1' }, true, ['sign']).catch((e) => e.name)`,
  `crypto.subtle.generateKey('Ed25519', true, []).catch((e) => e.name)`
]

/** The isolate makes those of short messages itself. */
const SHORT = [
  inAsync(`const all = []
    for (const name of ['SHA-1', 'sha-256']) for (let length = 0; length < 1_100; length += 37) all.push(await crypto.subtle.digest(name, new Uint8Array(length).fill(length)))
    return all`),
  inAsync(`const all = []
    for (const hash of ['SHA-1', 'SHA-256']) for (const length of [1, 63, 64, 65, 200]) {
      const secret = new Uint8Array(length).fill(length)
      const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['sign', 'verify'])
      for (const size of [0, 1, 55, 64, 600, 1_000]) {
        const message = new Uint8Array(size).fill(7)
        const mac = new Uint8Array(await crypto.subtle.sign({ name: 'HMAC' }, key, message))
        const changed = mac.map((byte, index) => (index === 9 ? byte ^ 1 : byte))
        for (const signature of [mac, changed, mac.slice(1), bytes(...mac, 0), new Uint8Array(0)]) all.push(await crypto.subtle.verify('HMAC', key, signature, message))
        all.push(mac)
      }
    }
    return all`),
  inAsync(
    `const key = await crypto.subtle.importKey('raw', bytes(1, 2, 255), { name: 'HMAC', hash: 'SHA-256', length: 20 }, true, ['sign']); return [look(key), await crypto.subtle.sign('HMAC', key, utf8('m'))]`
  ),
  inAsync(
    `const key = await crypto.subtle.importKey('raw', bytes(1), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']); return crypto.subtle.sign('HMAC', key, utf8('m')).catch((e) => e.name)`
  ),
  inAsync(
    `const data = bytes(1, 2, 3); const promise = crypto.subtle.digest('SHA-256', data); data.fill(9); let later = false; const turned = promise.then(() => later); later = true; return [await promise, await turned]`
  )
]

test('digests and secret keys', async (t) => {
  await compare(t, [...DIGESTS, ...SECRET, ...SHORT])
})

test('pairs of keys', async (t) => {
  await compare(t, PAIRS)
})

test('work of other threads is bounded: rounds, bits, jobs, and streams left open', async (t) => {
  const { define } = await share()
  const fn = define(
    `exports.handler = async () => {
    const password = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
    const name = (promise) => promise.then(() => 'done', (error) => error.name + ': ' + error.message)
    const pbkdf2 = { name: 'PBKDF2', salt: new Uint8Array(8), iterations: 1e9, hash: 'SHA-512' }
    // Each takes long enough that those begun first are not done when the last is asked for.
    const slow = { ...pbkdf2, iterations: 3000 }
    const many = await Promise.allSettled(Array.from({ length: 3000 }, () => crypto.subtle.deriveBits(slow, password, 256)))
    const streams = await Promise.all(Array.from({ length: 40 }, async () => {
      const { readable, writable } = new CompressionStream('gzip')
      readable.getReader().read().catch(() => {})
      return await name(writable.getWriter().write(new Uint8Array(1)))
    }))
    return [
      await name(crypto.subtle.deriveBits(pbkdf2, password, 256)),
      await name(crypto.subtle.generateKey({ name: 'RSA-PSS', modulusLength: 16384, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign'])),
      many.find(({ status }) => status === 'rejected')?.reason.message,
      streams.filter((text) => text !== 'done').length,
      (await crypto.subtle.digest('SHA-1', new Uint8Array(1))).byteLength
    ]
  }`,
    { timeoutSeconds: 20 }
  )
  const { json } = (await fn.result()) as { json: unknown[] }
  t.true(Array.isArray(json), JSON.stringify(json))
  t.regex(String(json[0]), /OperationError: iterations 1000000000 must be at most/)
  t.regex(String(json[1]), /modulusLength 16384 must be at most 4096/)
  t.regex(String(json[2]), /jobs are under way, at most 1024/)
  t.is(json[3], 8, 'of 40 streams 32 were opened')
  t.is(json[4], 20, 'and afterwards all is as before')
})
