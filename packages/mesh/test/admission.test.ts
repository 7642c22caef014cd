import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { PeerlessError } from '@peerless/interface'
import { MemoryLogger, realClock } from '@peerless/testing'
import { encode, signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { createLibp2p, type Libp2p } from 'libp2p'
import { decodeHello, encodeHello, type Hello } from '../src/admission-frame.ts'
import { ADMISSIONS_PENDING_MAX, WIRE_VERSION } from '../src/constants.ts'
import { encodeToken } from '../src/invite-token.ts'
import { makeDialler, makeLibp2p } from '../src/libp2p-node.ts'
import { type Chain, issueCertificate } from '../src/membership.ts'
import { RefusalLog } from '../src/refusal-log.ts'
import { connected, type Node, startMesh, startNode } from './_nodes.ts'

/** A clock on which waits of seconds take tens of milliseconds; the wall clock stays right. */
const fastClock = { ...realClock, after: (ms: number, run: () => void) => realClock.after(ms / 50, run) }

/** A stock libp2p node with everything that it may use to learn something of us. */
async function stranger(t: ExecutionContext, listen: string[] = []): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), gossip: gossipsub() }
  })
  t.teardown(() => node.stop())
  return node
}

/** Dials as a peer with this key that says hello with this frame; returns what it was told. */
async function dialWith(
  t: ExecutionContext,
  seed: Uint8Array,
  hello: Hello,
  address: string
): Promise<PeerlessError | undefined> {
  let refusal: PeerlessError | undefined
  const dialler = await makeDialler({
    seed,
    admission: {
      policy: {
        hello: () => hello,
        judge: () => Promise.reject(new Error('unused')),
        accept: () => undefined
      },
      pending: undefined,
      clock: realClock,
      log: new RefusalLog(realClock, new MemoryLogger()),
      onDialRefused: (_peerId, error) => {
        refusal = error
      }
    }
  })
  await dialler.start()
  t.teardown(() => dialler.stop())
  await dialler.dial(multiaddr(address)).catch(() => undefined)
  return refusal
}

function warned(node: Node, peerId: string | undefined, reason: RegExp): boolean {
  return node.logger.lines.some(
    ({ level, message, fields }) =>
      level === 'warn' && message === 'refused a connection' && fields.peer === peerId && reason.test(String(fields.reason))
  )
}

function addressOf(node: Node): string {
  return node.mesh.addresses()[0] as string
}

async function closedByServer(address: string, bytes: Uint8Array | undefined): Promise<void> {
  const port = Number(/tcp\/(\d+)/.exec(address)?.[1])
  const socket = connect(port, '127.0.0.1')
  // A reset is a way of closing, too.
  socket.on('error', () => undefined)
  if (bytes !== undefined) socket.write(bytes)
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

test('a raw libp2p peer gets no connection, no identify, no stream and no gossip, and is logged by its peer id', async (t) => {
  const node = await startNode(t, 'node')
  node.mesh.subscribe('ledger', () => t.fail('a stranger’s gossip came through'))
  node.mesh.handle(1, () => t.fail('a stranger’s request came through'))
  node.mesh.onPeer(() => t.fail('a stranger became a peer'))
  const raw = await stranger(t)
  raw.addEventListener('peer:identify', () => t.fail('identify answered a stranger'))
  await t.throwsAsync(raw.dial(multiaddr(addressOf(node))))
  await t.throwsAsync(raw.dialProtocol(multiaddr(addressOf(node)), '/peerless/calls/1'))
  t.is(raw.getConnections().length, 0)
  t.true(warned(node, raw.peerId.toString(), /admission frame/))
  t.deepEqual(node.mesh.peers(), [])
  t.is(node.mesh.members().length, 1)
})

test('a node that dials a raw libp2p peer refuses it', async (t) => {
  const node = await startNode(t, 'node')
  const raw = await stranger(t, ['/ip4/127.0.0.1/tcp/0'])
  const error = await t.throwsAsync(node.mesh.connect(raw.getMultiaddrs().map(String)))
  t.like(error, { code: 'NOT_A_MEMBER' })
  t.is(raw.getConnections().length, 0)
})

test('garbage on the TCP port, before and after the choice of noise, closes that socket and harms nobody', async (t) => {
  let speed = 1
  const clock = { ...realClock, after: (ms: number, run: () => void) => realClock.after(ms / speed, run) }
  const a = await startNode(t, 'a', { clock })
  const b = await startNode(t, 'b', { join: await a.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 }) })
  await connected(a.mesh, b.mesh.peerId)
  speed = 50
  const select = Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n')
  for (const bytes of [
    randomBytes(10),
    randomBytes(100_000),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat([select, randomBytes(500)])
  ]) {
    await closedByServer(addressOf(a), bytes)
  }
  t.true(warned(a, undefined, /before noise|no admission within/))
  t.deepEqual(a.mesh.peers(), [b.mesh.peerId])
})

test('a length that does not end is read no further than an honest one, before noise and after it', async (t) => {
  const node = await startNode(t, 'node')
  const endless = Buffer.alloc(1_000_000, 0x82)
  for (const bytes of [endless, Buffer.concat([Buffer.from('\x13/multistream/1.0.0\n'), endless])]) {
    await closedByServer(addressOf(node), bytes)
  }
  t.true(warned(node, undefined, /sent too much before/))
  t.false(warned(node, undefined, /no admission within/))

  // A stock peer that proves its key, and then begins with such a length.
  const dialler = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [
      (components) => {
        const inner = noise()(components)
        return {
          protocol: inner.protocol,
          secureInbound: inner.secureInbound.bind(inner),
          secureOutbound: async (connection, secure) => {
            const secured = await inner.secureOutbound(connection, { ...secure, skipStreamMuxerNegotiation: true })
            secured.connection.send(endless.subarray(0, 10_000))
            return secured
          }
        }
      }
    ],
    streamMuxers: [yamux()]
  })
  t.teardown(() => dialler.stop())
  await t.throwsAsync(dialler.dial(multiaddr(addressOf(node))))
  t.true(warned(node, dialler.peerId.toString(), /takes more than 3 bytes/))
  t.deepEqual(node.mesh.peers(), [])
})

test('a silent socket is closed at the deadline', async (t) => {
  const node = await startNode(t, 'node', { clock: fastClock })
  await closedByServer(addressOf(node), undefined)
  t.true(warned(node, undefined, /no admission within 5000 ms/))
})

test('silent strangers cannot keep a member out, however many they are', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const port = Number(/tcp\/(\d+)/.exec(addressOf(founder))?.[1])
  const sockets = Array.from({ length: ADMISSIONS_PENDING_MAX + 10 }, () => connect(port, '127.0.0.1'))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(
    sockets.map((socket) =>
      once(
        socket.on('error', () => undefined),
        'connect'
      )
    )
  )
  const member = await startNode(t, 'member', { join: token })
  await connected(member.mesh, founder.mesh.peerId)
  t.true(warned(founder, undefined, /connections wait for admission/))
})

test('a stolen certificate, one of another mesh and a self-made one are refused, each with its reason', async (t) => {
  const [a, b] = (await startMesh(t, 2)) as [Node, Node]
  const other = await startNode(t, 'other')
  const seed = randomBytes(32)
  const self = signerOf(seed)
  const { meshId } = a.mesh
  const chainOf = (node: Node) => node.mesh.memberOf(node.mesh.peerId)?.chain as Chain
  const own = issueCertificate(self, meshId, { peerId: self.peerId, name: 'me', issuedAt: 1 })
  const cases: [Hello, RegExp][] = [
    [{ kind: 'member', meshId, chain: chainOf(b) }, /but .* presents it/],
    [{ kind: 'member', meshId: other.mesh.meshId, chain: chainOf(other) }, /is for mesh/],
    [{ kind: 'member', meshId, chain: chainOf(other) }, /certificates end at/],
    [{ kind: 'member', meshId, chain: [own] }, /certificates end at/],
    [{ kind: 'member', meshId, chain: [own, ...chainOf(b)] }, /is signed by/],
    [{ kind: 'member', meshId, chain: [] }, /1 to 16 certificates/],
    [{ kind: 'member', meshId, chain: Array.from({ length: 17 }, () => own) }, /1 to 16 certificates/],
    [{ kind: 'member', meshId, chain: [randomBytes(100)] }, /not a signed envelope/]
  ]
  for (const [hello, reason] of cases) {
    const refusal = await dialWith(t, seed, hello, addressOf(a))
    t.like(refusal, { code: 'NOT_A_MEMBER' })
    t.regex(refusal?.message ?? '', reason)
    t.true(warned(a, self.peerId, reason))
  }
  t.deepEqual(a.mesh.peers(), [b.mesh.peerId])
  t.false(a.mesh.isMember(self.peerId))
})

test('who joins at a node of another version is told that, not to ask for another invite', async (t) => {
  const seed = randomBytes(32)
  const log = new RefusalLog(realClock, new MemoryLogger())
  const judge = () => Promise.reject(new PeerlessError('CONFLICT', 'the nodes speak different versions, 2 and 3'))
  const policy = { judge, hello: () => t.fail('it dials nobody') as never, accept: () => undefined }
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const admission = { policy, log, clock: realClock, pending: undefined, onDialRefused: () => undefined }
  const later = await makeLibp2p({ seed, meshId: 'mesh', listen, admission })
  t.teardown(() => later.stop())
  await later.start()
  const token = encodeToken(signerOf(seed), {
    meshId: signerOf(randomBytes(32)).peerId,
    inviteId: randomBytes(12),
    secret: randomBytes(16),
    role: 'node',
    expiresAt: Date.now() + 60_000,
    addresses: later.getMultiaddrs().map(String)
  })
  await t.throwsAsync(startNode(t, 'joiner', { join: token }), {
    code: 'CONFLICT',
    message: /^the nodes speak different versions/
  })
})

test('a hello beyond its bound is refused without being read', async (t) => {
  const node = await startNode(t, 'node')
  const hello: Hello = { kind: 'join', meshId: node.mesh.meshId, token: 'x'.repeat(100_000), name: 'x' }
  const refusal = await dialWith(t, randomBytes(32), hello, addressOf(node))
  t.truthy(refusal)
  t.is(node.logger.lines.filter(({ level }) => level === 'warn').length, 1)
})

test('a node that joins does not take another node for the issuer', async (t) => {
  const [issuer, impostor] = await Promise.all([startNode(t, 'issuer'), startNode(t, 'impostor')])
  // The impostor listens where the token sends the joiner; noise proves that it is not the issuer.
  const address = addressOf(impostor).replace(/\/p2p\/.*/, `/p2p/${issuer.mesh.peerId}`)
  const token = encodeToken(issuer.mesh.signer, {
    meshId: issuer.mesh.meshId,
    inviteId: randomBytes(12),
    secret: randomBytes(16),
    role: 'node',
    expiresAt: Date.now() + 60_000,
    addresses: [address]
  })
  const error = await t.throwsAsync(startNode(t, 'joiner', { join: token }))
  t.like(error, { code: 'INVALID_INVITE' })
  t.regex(error?.message ?? '', /could not be reached/)
})

test('a node of another version is told that it is one; what only looks like it is a stranger', (t) => {
  const hello: Hello = { kind: 'join', meshId: 'm', token: 't', name: 'n' }
  t.deepEqual(decodeHello(encodeHello(hello)), hello)
  const before = encode([`peerless/admission/${WIRE_VERSION - 1}`, 'm', 1, 't', 'n'])
  const words = new RegExp(`different versions, ${WIRE_VERSION - 1} the one that dials and ${WIRE_VERSION} the one`)
  t.like(
    t.throws(() => decodeHello(before), { message: words }),
    { code: 'CONFLICT' }
  )
  for (const magic of [
    'peerless/admission/',
    'peerless/admission/x',
    'peerless/admission/1234567890',
    `peerless/admission/${WIRE_VERSION} `,
    7
  ]) {
    t.throws(() => decodeHello(encode([magic, 'm', 1, 't', 'n'])), { code: 'MALFORMED' })
  }
})
