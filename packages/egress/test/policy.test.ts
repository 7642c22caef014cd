import test from 'ava'
import fc from 'fast-check'
import { EgressPolicy, isNamed } from '../src/egress-policy.ts'
import { isWithin, parseAddress, parseCidr } from '../src/ip-address.ts'

const SEED = 3
const nowhere = { addresses: () => [], ports: () => [] }
const closed = new EgressPolicy([], nowhere)

const CLOSED: Record<string, RegExp> = {
  '0.0.0.0': /this host/,
  '0.1.2.3': /this host/,
  '10.1.2.3': /private/,
  '100.64.0.1': /carrier/,
  '100.100.100.200': /carrier/,
  '127.0.0.1': /loopback/,
  '127.255.255.254': /loopback/,
  '168.63.129.16': /metadata/,
  '169.254.169.254': /metadata/,
  '169.254.1.1': /link-local/,
  '172.16.0.1': /private/,
  '172.31.255.255': /private/,
  '192.0.0.192': /reserved/,
  '192.168.1.1': /private/,
  '198.19.0.1': /benchmarking/,
  '224.0.0.1': /multicast/,
  '255.255.255.255': /reserved/,
  '::': /this host/,
  '::1': /loopback/,
  '::7f00:1': /reserved/,
  '::ffff:127.0.0.1': /loopback/,
  '::ffff:a9fe:a9fe': /metadata/,
  '64:ff9b::7f00:1': /NAT64/,
  '64:ff9b:1::1': /NAT64/,
  'fe80::1': /link-local/,
  'fe80::1%lo': /plain/,
  'fec0::1': /private/,
  'fd00:ec2::254': /private/,
  'ff02::1': /multicast/,
  '2001::1': /reserved/,
  '2001:db8::1': /documentation/,
  '2002:7f00:1::': /6to4/,
  '4000::1': /reserved/
}

test('what is not public is closed, each with its reason', (t) => {
  for (const [address, rule] of Object.entries(CLOSED)) t.regex(closed.closed(address, 80) ?? 'open', rule, address)
})

test('public addresses are open, next to the edges of what is closed too', (t) => {
  for (const address of [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0'
  ]) {
    t.is(closed.closed(address, 443), undefined, address)
  }
  for (const address of ['2606:4700::1111', '2a00:1450::1', '::ffff:1.1.1.1'])
    t.is(closed.closed(address, 443), undefined, address)
  t.regex(closed.closed('1.1.1.1', 25) ?? '', /port 25/)
})

test('the operator opens blocks, and only those', (t) => {
  const open = new EgressPolicy(['127.0.0.0/8', 'fd00::/8', '::ffff:10.0.0.0/104'], nowhere)
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', 'fd12::1', '10.2.3.4'])
    t.is(open.closed(address, 8_080), undefined, address)
  for (const address of ['192.168.0.1', '::1', '169.254.169.254', 'fc00::1']) t.truthy(open.closed(address, 8_080), address)
  for (const block of ['127.0.0.1', '127.0.0.0/33', 'x/8', '::/129', '10.0.0.0/8/8', '10.0.0.0/-1']) {
    t.throws(() => new EgressPolicy([block], nowhere), { code: 'INVALID_ARGUMENT' }, block)
  }
})

test("this node's own ports are closed at its public addresses too", (t) => {
  const policy = new EgressPolicy([], { addresses: () => ['2a00::5', '9.9.9.9'], ports: () => [8_787] })
  t.regex(policy.closed('9.9.9.9', 8_787) ?? '', /own ports/)
  t.regex(policy.closed('2a00:0::0:5', 8_787) ?? '', /own ports/)
  t.is(policy.closed('9.9.9.9', 443), undefined)
})

test('property: however a private address is written in a URL, it is seen as what it is', (t) => {
  const octets = fc.tuple(
    fc.constantFrom([127], [10], [192, 168], [169, 254], [172, 20], [100, 70]),
    fc.array(fc.nat(255), { minLength: 4, maxLength: 4 })
  )
  const address = octets.map(([head, rest]) => [...head, ...rest].slice(0, 4) as [number, number, number, number])
  const form = fc.constantFrom(
    (a: number[]) => a.join('.'),
    (a: number[]) => `${a.join('.')}.`,
    (a: number[]) => a.map((octet) => `0x${octet.toString(16)}`).join('.'),
    (a: number[]) => a.map((octet) => `0${octet.toString(8)}`).join('.'),
    (a: number[]) => String(numberOf(a)),
    (a: number[]) => `0x${numberOf(a).toString(16)}`,
    (a: number[]) => `0${numberOf(a).toString(8)}`,
    (a: number[]) => `${a[0]}.${numberOf([0, ...a.slice(1)])}`,
    (a: number[]) => `${a[0]}.${a[1]}.${numberOf([0, 0, ...a.slice(2)])}`,
    (a: number[]) =>
      a.map((octet) => String(octet).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))).join('。'),
    (a: number[]) => a.join('.').replace(/\d/g, (digit) => `%3${digit}`),
    (a: number[]) => `[::ffff:${a.join('.')}]`,
    (a: number[]) => `[0:0:0:0:0:FFFF:${hexOf(a)}]`,
    (a: number[]) => `[::${a.join('.')}]`,
    (a: number[]) => `[64:ff9b::${a.join('.')}]`,
    (a: number[]) => `[2002:${hexOf(a)}::1]`
  )
  fc.assert(
    fc.property(address, form, fc.boolean(), (octet, write, user) => {
      const url = URL.parse(`http://${user ? 'a@' : ''}${write(octet)}:8080/`)
      // What is no URL reaches nothing.
      if (url === null) return
      const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
      if (parseAddress(hostname) === undefined) throw new Error(`${url.href} is taken for a name`)
      if (closed.closed(hostname, 8_080) === undefined) throw new Error(`${url.href} is open`)
    }),
    { seed: SEED, numRuns: 5_000 }
  )
  t.pass()
})

test('property: text that is no address is never open, and nothing is thrown at', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.ipV6(),
    fc.ipV4Extended(),
    fc.stringMatching(/^[0-9a-f:.%/x]{0,40}$/),
    fc.ipV4().map((address) => `${address}\0`)
  )
  fc.assert(
    fc.property(text, fc.nat(70_000), (alleged, port) => {
      const address = parseAddress(alleged)
      const rule = closed.closed(alleged, port)
      if (address === undefined && rule === undefined) throw new Error(`'${alleged}' is open`)
      parseCidr(alleged)
    }),
    { seed: SEED, numRuns: 5_000 }
  )
  t.pass()
})

test('property: an address is within a block exactly when its first bits are the same', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (a, b, bits) => {
      const block = parseCidr(`${b}/${bits}`)
      const address = parseAddress(a)
      if (block === undefined || address === undefined) return
      const same = address.length === block.bytes.length && bitsOf(address).startsWith(bitsOf(block.bytes).slice(0, block.bits))
      if (isWithin(address, block) !== same) throw new Error(`${a} in ${b}/${bits}`)
    }),
    { seed: SEED, numRuns: 3_000 }
  )
  t.pass()
})

test('a function that names its hosts reaches those', (t) => {
  const hosts = ['api.example.com', '*.example.org']
  for (const name of ['api.example.com', 'api.example.com.', 'a.example.org', 'a.b.example.org'])
    t.true(isNamed(hosts, name), name)
  for (const name of ['example.com', 'example.org', 'xexample.org', 'api.example.com.evil.net', ''])
    t.false(isNamed(hosts, name), name)
  t.false(isNamed([], 'api.example.com'))
})

function numberOf(octets: number[]): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

function hexOf([a, b, c, d]: number[]): string {
  return `${numberOf([a as number, b as number]).toString(16)}:${numberOf([c as number, d as number]).toString(16)}`
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
}
