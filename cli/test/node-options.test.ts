import test from 'ava'
import { UsageError } from '../src/errors.ts'
import { realHost } from '../src/host.ts'
import { parseNodeOptions, type UpFlags } from '../src/node-options.ts'

const host = { ...realHost(), env: {}, home: '/home/ada', cwd: '/work' }

test('without flags a node listens on loopback only, in ~/.peerless', (t) => {
  t.deepEqual(parseNodeOptions({}, host), {
    dataDirectory: '/home/ada/.peerless',
    http: { host: '127.0.0.1', port: 8787 },
    listen: [],
    accountId: '000000000000',
    allowEgress: [],
    json: false
  })
})

test('$PEERLESS_DATA names the data folder, --data beats it, and both are made absolute', (t) => {
  const withEnv = { ...host, env: { PEERLESS_DATA: 'from-env' } }
  t.is(parseNodeOptions({}, withEnv).dataDirectory, '/work/from-env')
  t.is(parseNodeOptions({ data: './flag' }, withEnv).dataDirectory, '/work/flag')
})

test('every flag reaches the node', (t) => {
  const options = parseNodeOptions(
    {
      data: '/d',
      http: '[::1]:0',
      listen: ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/0'],
      join: ' token ',
      name: 'ada-1',
      slots: '0',
      fronts: '2',
      memory: '512',
      antiEntropy: '1h',
      ledgerKeep: '30d',
      accountId: '123456789012',
      s3Endpoint: 'https://s3.test:9000/',
      allowEgress: ['127.0.0.0/8', 'fd00::/8'],
      sample: true,
      json: true
    },
    host
  )
  t.deepEqual(options, {
    dataDirectory: '/d',
    http: { host: '::1', port: 0 },
    listen: ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/0'],
    join: 'token',
    name: 'ada-1',
    slots: 0,
    fronts: 2,
    memoryMb: 512,
    antiEntropyMs: 3_600_000,
    ledgerKeepMs: 2_592_000_000,
    accountId: '123456789012',
    s3Endpoint: 'https://s3.test:9000',
    allowEgress: ['127.0.0.0/8', 'fd00::/8'],
    sample: true,
    json: true
  })
})

const refuses = test.macro({
  exec: (t, flags: UpFlags, ...says: string[]) => {
    const error = t.throws(() => parseNodeOptions(flags, host), { instanceOf: UsageError })
    for (const part of says) t.true(error?.message.includes(part), `${error?.message} must say ${part}`)
  },
  title: (title = '') => `refuses ${title}, naming flag, value and rule`
})
test('a port alone', refuses, { http: '8787' }, '--http', "'8787'", 'HOST:PORT')
test('a host alone', refuses, { http: 'localhost' }, "'localhost'")
test('an empty host', refuses, { http: ':8787' }, "':8787'")
test('a port beyond 65535', refuses, { http: 'localhost:65536' }, '65535')
test('an IPv4 address that is none', refuses, { http: '256.1.1.1:80' }, "'256.1.1.1:80'")
test('an IPv6 address without brackets', refuses, { http: '::1:8787' }, 'in brackets')
test('a URL for --http', refuses, { http: 'http://localhost:8787' }, 'HOST:PORT')
test('a multiaddr without port', refuses, { listen: ['/ip4/127.0.0.1'] }, '--listen', '/tcp/PORT')
test('a multiaddr over UDP', refuses, { listen: ['/ip4/127.0.0.1/udp/4001/quic-v1'] }, '/tcp/PORT')
test('a multiaddr with a host name', refuses, { listen: ['/dns4/example.org/tcp/4001'] }, '/ip4/ADDRESS')
test('a multiaddr of the wrong family', refuses, { listen: ['/ip4/::1/tcp/4001'] }, "'/ip4/::1/tcp/4001'")
test('the second multiaddr too', refuses, { listen: ['/ip4/127.0.0.1/tcp/1', 'x'] }, "'x'")
test('an empty invite', refuses, { join: ' ' }, '--join', 'peerless invite')
test('two invites in one', refuses, { join: 'a b' }, 'without spaces')
test('an endless invite', refuses, { join: 'a'.repeat(16_385) }, '16384')
test('a name with spaces', refuses, { name: 'my node' }, '--name', "'my node'", '64')
test('a node of less memory than it takes', refuses, { memory: '255' }, '--memory', "'255'", '256 to')
test('a negative number of slots', refuses, { slots: '-1' }, '--slots', "'-1'", '0 to 10000')
test('rounds of anti-entropy without pause', refuses, { antiEntropy: '10ms' }, '--anti-entropy', "'10ms'", '1s to 1d')
test('receipts that are kept for an hour', refuses, { ledgerKeep: '1h' }, '--ledger-keep', "'1h'", '1d to 3650d')
test('eleven digits', refuses, { accountId: '12345678901' }, '--account-id', '12 digits')
test('an S3 endpoint with a bucket', refuses, { s3Endpoint: 'http://s3/bucket' }, '--s3-endpoint', 'without path')
test('an address without prefix length', refuses, { allowEgress: ['127.0.0.1'] }, '--allow-egress', 'CIDR')
test('an IPv4 prefix of 33 bits', refuses, { allowEgress: ['127.0.0.0/33'] }, '0 to 32')
test('an IPv6 prefix of 129 bits', refuses, { allowEgress: ['::/129'] }, '0 to 128')
test('a host name for CIDR', refuses, { allowEgress: ['localhost/8'] }, "'localhost/8'")
test('more blocks than anyone would list', refuses, { allowEgress: Array(257).fill('10.0.0.0/8') }, '257', '256')

test('further fronts need memory and ports of their own', (t) => {
  t.is(parseNodeOptions({ fronts: '4' }, host).fronts, 4)
  const refused: [UpFlags, RegExp][] = [
    [{ fronts: '0' }, /--fronts '0' .* 1 to 64/],
    [{ fronts: '65' }, /--fronts '65' .* 1 to 64/],
    [{ fronts: '3', memory: '700' }, /--memory 700 must be at least 768 with --fronts 3/],
    [{ fronts: '3', listen: ['/ip4/0.0.0.0/tcp/65534'] }, /--listen '.*65534' must leave room for --fronts 3/]
  ]
  for (const [flags, message] of refused) t.throws(() => parseNodeOptions(flags, host), { instanceOf: UsageError, message })
})
