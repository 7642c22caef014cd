import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { buildBundle, createBlockExchange, createBlockStore, listZip, restBundler } from '@peerless/bundle'
import { type CatalogService, createCatalog, createDeployments, createKeys, DIRECT_PEERS_MAX } from '@peerless/catalog'
import { createEgress } from '@peerless/egress'
import { createEvents } from '@peerless/events'
import { createGateway } from '@peerless/gateway'
import { createInstances } from '@peerless/instances'
import {
  type Catalog,
  type Deployments,
  type FunctionVersion,
  type Invoker,
  type Logger,
  type LogLine,
  type Mesh,
  messageOf,
  PeerlessError,
  REGION_DEFAULT,
  TARIFF_DEFAULT
} from '@peerless/interface'
import { createInvocation, LogDisk } from '@peerless/invocation'
import { createLedger } from '@peerless/ledger'
import { createMesh } from '@peerless/mesh'
import { createQueue, type Left } from '@peerless/queue'
import { BUILTINS_SUPPORTED } from '@peerless/sandbox'
import { awsAccess, endpointsOf } from './aws-access.ts'
import { BlockCollection } from './block-collection.ts'
import { BundleReplication } from './bundle-replication.ts'
import { CodeElsewhere } from './code-elsewhere.ts'
import { DataFolder } from './data-folder.ts'
import { Departing, hasLeft } from './departing.ts'
import { Draining } from './draining.ts'
import { expectDeployed } from './expect-deployed.ts'
import { finishCalls } from './finish-calls.ts'
import { deploySample } from './first-start.ts'
import { FloorElsewhere } from './floor-elsewhere.ts'
import { addressesOf, checkFree } from './free-ports.ts'
import { checkFronts, coresOf, furtherFronts, shareOf } from './front-orders.ts'
import { Fronts } from './fronts.ts'
import { heardPeers, homeOf } from './home-of.ts'
import { httpConnectionsMax } from './http-connections.ts'
import { Machine } from './machine.ts'
import { machineMemoryMb } from './machine-memory.ts'
import { MachineMetrics } from './machine-metrics.ts'
import { NodeRecords } from './node-records.ts'
import { NodeMeshStatus } from './node-status.ts'
import type { NodeOptions } from './options.ts'
import { interfaceAddresses, portsOf, resolveName } from './outside.ts'
import { OwnKey } from './own-key.ts'
import { clock, random } from './platform.ts'
import { createPost } from './post.ts'
import { Provisioning } from './provisioning.ts'
import { isDeployed, retireRemoved } from './retire-removed.ts'
import { s3Objects } from './s3-object.ts'
import { ServiceDoor } from './services.ts'
import { VERSION } from './version.ts'

/** A busy instance mostly waits, so a core carries many; memory, not this, is what runs out first. */
const SLOTS_PER_CORE = 32
/** Functions belong to this account unless a key says otherwise. */
const ACCOUNT_DEFAULT = 'default'
/** How long a bundle may take to come from a peer before the launch that wants it is given up. */
const BUNDLE_FETCH_MS = 8_000
/** A stop lets calls that run finish for this long. AWS allows 15 minutes; a person who pressed Ctrl-C does not. */
const DRAIN_MS = 10_000
/** Of a node that has left its mesh: for the answer that says so. */
const LEFT_DRAIN_MS = 1_000
/** So long at least, and twice that at most, the bundler is kept after a build: deployments come in groups, and it starts in 50 ms. */
const BUNDLER_REST_PERIOD_MS = 60_000

/** Long enough for a front to start and redeem it. */
const FRONT_INVITE_MS = 60_000
/** A round of anti-entropy begins with the connection; a whole catalog is a few megabytes. */
const CATCH_UP_MS_MAX = 30_000
const CATCH_UP_LOOK_MS = 20

export interface RunningNode {
  readonly http: string
  readonly peerId: string
  readonly meshId: string
  /** The pipeline behind the gateway, for programs that run a node inside themselves. */
  readonly invoker: Invoker
  readonly catalog: Catalog
  /** While it is true it takes no new work, and sends on what its clients bring. */
  setDraining(draining: boolean): void
  /** Takes, starts and changes nothing more, waits until its code is on other machines, and gives others what was accepted here. Resolves with what only this node has. */
  giveAway(): Promise<Left>
  /** Takes and starts again after that. */
  keep(): void
  /** Resolves when it has ended its membership, and is to be stopped. */
  readonly left: Promise<void>
  /** Finishes what runs, closes the books, goes. */
  stop(): Promise<void>
}

/**
 * Makes one node out of the packages: gives each its folder, the clock, chance and keys, and starts them lowest first.
 * @throws PeerlessError INVALID_INVITE, CONFLICT (another process owns the folder), and socket errors of the ports
 */
export async function startNode(options: NodeOptions, logger: Logger): Promise<RunningNode> {
  const undo: (() => Promise<void> | void)[] = []
  const stop = async () => {
    // In reverse; one that fails must not keep the others from stopping.
    for (const step of undo.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        logger.error('a part did not stop cleanly', { reason: messageOf(error) })
      }
    }
  }
  try {
    return await compose(options, logger, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function compose(
  options: NodeOptions,
  logger: Logger,
  undo: (() => Promise<void> | void)[],
  stop: () => Promise<void>
): Promise<RunningNode> {
  const platform = { clock, random, logger }
  const { fronts = 1, front } = options
  const memoryMb = options.memoryMb ?? machineMemoryMb()
  checkFronts(fronts, memoryMb)
  const folder = await DataFolder.open(options.dataDirectory)
  undo.push(() => folder.release())
  const gone = await folder.readLeft()
  if (gone !== undefined) {
    await folder.forgetKeys()
    throw hasLeft(gone)
  }
  // The port of the first front is its further ones' as well.
  await checkFree([...(front === undefined ? [options.http] : []), ...addressesOf(options.listen)])

  const mesh = await createMesh({
    ...platform,
    directory: await folder.sub('mesh'),
    ...(options.listen.length > 0 ? { listen: options.listen } : {}),
    join: options.join,
    // Of the same key, another mesh would be one that the others of this node are not in, and whose secrets do not open what it has.
    found: !(await folder.isUsed()),
    // Only the first start needs it: the name goes into the certificate.
    name: options.name ?? `node-${Buffer.from(random.bytes(3)).toString('hex')}`
  })
  const operator = mesh.name

  const store = await createBlockStore({ directory: await folder.sub('blocks'), logger })
  const exchange = createBlockExchange({ ...platform, mesh, store })
  // What a node had signed before it was removed holds.
  const isMember = (peerId: string) => mesh.isMember(peerId) || mesh.isRemoved(peerId)
  const catalog = await createCatalog({
    ...platform,
    directory: await folder.sub('catalog'),
    signer: mesh.signer,
    mesh,
    meshSecret: mesh.meshSecret,
    isMember,
    // Who was told of a change here may ask any other node next. In a larger mesh not all are told directly.
    mates: () => (mesh.peers().length <= DIRECT_PEERS_MAX ? heardPeers(mesh) : machine.mates()),
    homeOf: (key) => homeOf(mesh, key),
    ...(options.antiEntropyMs === undefined ? {} : { antiEntropyMs: options.antiEntropyMs })
  })
  const machine = new Machine(options.front?.machine ?? mesh.peerId, mesh, catalog)
  undo.push(() => catalog.stop())
  const collection = new BlockCollection({ ...platform, catalog, store })
  undo.push(() => collection.stop())
  const ledger = await createLedger({
    ...platform,
    directory: await folder.sub('ledger'),
    signer: mesh.signer,
    seed: mesh.seed,
    mesh,
    operatorAccount: operator,
    tariff: TARIFF_DEFAULT,
    ...(options.ledgerKeepMs === undefined ? {} : { keepMs: options.ledgerKeepMs }),
    isMember
  })
  undo.push(() => ledger.stop())

  const deployments = createDeployments({
    ...platform,
    catalog,
    store,
    fetch: exchange.fetch,
    build: (order) => buildBundle({ ...order, builtinsSupported: BUILTINS_SUPPORTED }),
    checkZip: async (zip) => {
      await listZip(zip)
    }
  })

  const slots = options.slots ?? SLOTS_PER_CORE * availableParallelism()
  let appendLog: (account: string, line: LogLine) => void = () => undefined
  const listening = new Set<number>(front === undefined ? [] : [front.firstPort])
  const egress = createEgress({
    clock,
    allow: options.allowEgress,
    own: {
      addresses: interfaceAddresses,
      ports: () => [...listening, ...portsOf([...mesh.addresses(), ...machine.mateAddresses()])]
    },
    lookup: resolveName
  })
  undo.push(() => egress.stop())
  // Before the instances: what they say while they end is written yet.
  const logDisk = LogDisk.open({ ...platform, directory: await folder.sub('logs'), node: mesh.peerId })
  undo.push(() => logDisk?.close())
  const instances = await createInstances({
    ...platform,
    nodeId: mesh.peerId,
    slots: shareOf(slots, 1, fronts),
    memoryMb: shareOf(memoryMb, 1, fronts),
    ...coresOf(front?.count ?? fronts, availableParallelism()),
    streamBytesMax: options.streamBytesMax,
    loadBundle: (version: FunctionVersion) =>
      exchange.fetch(version.code.bundleCid, { bytes: version.code.bundleBytes, timeoutMs: BUNDLE_FETCH_MS }),
    egress,
    isDeployed: isDeployed(catalog),
    onLog: (account, line) => appendLog(account, line),
    directory: await folder.sub('instances'),
    nodePath: process.execPath,
    region: REGION_DEFAULT,
    accountId: options.accountId
  })
  undo.push(() => instances.stop())
  undo.push(retireRemoved(catalog, instances))
  undo.push(expectDeployed(catalog, store, instances))
  const invocation = createInvocation({
    ...platform,
    mesh,
    catalog,
    instances,
    ledger,
    tariff: TARIFF_DEFAULT,
    ...(logDisk === undefined ? {} : { logArchive: logDisk })
  })
  appendLog = (account, line) => invocation.appendLog(account, line)
  undo.push(() => invocation.stop())

  const access = awsAccess()
  const services = new ServiceDoor({ endpoints: endpointsOf(options), access, mesh, catalog, clock })
  const queue = await createQueue({
    ...platform,
    mesh,
    catalog,
    invoker: invocation,
    directory: await folder.sub('queue'),
    post: createPost(egress),
    services,
    region: REGION_DEFAULT,
    accountId: options.accountId,
    machineOf: (peerId) => machine.of(peerId),
    refusal: () => invocation.refusal,
    awayMs: (requestId) => invocation.awayMs(requestId),
    ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
    // What waits can wait: as many attempts as this node has slots, the rest of the mesh's are for who is waiting for an answer.
    ...(instances.slots > 0 ? { runsMax: instances.slots } : {})
  })

  const provisioning = new Provisioning({
    mesh,
    catalog,
    clock,
    slots: instances.slots,
    invocation,
    draining: () => draining.on,
    keepWarm: (orders) => instances.warm.provision(orders)
  })

  const isMate = (peerId: string) => machine.of(peerId) === machine.id
  const draining = new Draining({ mesh, invocation, provisioning, isMate })
  const events = createEvents({
    ...platform,
    catalog,
    mesh,
    queue,
    isDraining: (peerId) => draining.of(peerId),
    region: REGION_DEFAULT,
    accountId: options.accountId
  })
  const code = new CodeElsewhere({ ...platform, mesh, catalog, store, isMate })
  const floor = new FloorElsewhere({ ...platform, provisioning, invocation, isMate })
  const left = Promise.withResolvers<void>()
  let further: Fronts | undefined
  const departing = new Departing({
    ...platform,
    mesh,
    machine,
    draining,
    queue,
    events,
    invocation,
    ledger,
    code,
    floor,
    folder,
    fronts: () => further,
    onLeft: () => left.resolve()
  })

  // Who looks at a node that was removed, looks with its key.
  const isRemoved = (peerId: string) => peerId !== mesh.peerId && mesh.isRemoved(peerId)
  const keys = createKeys({ ...platform, catalog, isRemoved })
  const status = new NodeMeshStatus({
    mesh,
    catalog,
    instances,
    invocation,
    account: operator,
    machine,
    warmHere: (name, version) => provisioning.here(name, version),
    draining,
    departing
  })
  const shared = fronts > 1 || front !== undefined
  const metrics = shared ? new MachineMetrics({ ...platform, mesh, machine, front: front?.number ?? 1 }) : undefined
  const gateway = createGateway({
    ...platform,
    ...(metrics === undefined ? {} : { metrics }),
    ...(front === undefined ? {} : { firstFrontPort: front.firstPort }),
    invoker: invocation,
    asyncInvoker: queue,
    triggers: events.triggers,
    deployments,
    catalog,
    keys,
    ledger,
    logs: invocation.logs,
    mesh: status,
    deliversTo: (service) => services.reaches(service),
    ...(options.s3Endpoint === undefined
      ? {}
      : { fetchObject: s3Objects({ ...access, endpoint: options.s3Endpoint }, () => clock.now()) }),
    accountId: options.accountId,
    region: REGION_DEFAULT,
    limits: { connectionsMax: await httpConnectionsMax() }
  })

  // Before the mesh: a peer whose request met no handler would take it for one that may have run.
  metrics?.start()
  catalog.start()
  ledger.start()
  invocation.start()
  await queue.start()
  events.listen()
  code.listen()
  undo.push(() => mesh.stop())
  await mesh.start()
  // While peers are still there to take what is left.
  undo.push(() => queue.stop())
  undo.push(() => drain())
  // The last run ended between leaving and marking the folder.
  if (mesh.leaving.done) await departing.finish()

  const replication = new BundleReplication({ ...platform, mesh, catalog, store, fetch: exchange.fetch })
  replication.start()
  undo.push(() => replication.stop())
  provisioning.start()
  undo.push(() => provisioning.stop())
  const resting = clock.every(BUNDLER_REST_PERIOD_MS, () => {
    restBundler().catch((error) => logger.warn('the bundler could not be ended', { reason: messageOf(error) }))
  })
  undo.push(() => resting.cancel())

  // Who is sent here by the system may ask for whatever the first front has.
  if (front !== undefined) await caughtUpWith(front.machine, mesh, catalog)
  const address = await gateway.listen(options.http.host, options.http.port, shared)
  listening.add(address.port)
  const http = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
  const record = {
    account: operator,
    version: VERSION,
    httpAddress: http,
    destinations: services.names,
    ...(shared ? { machine: machine.id } : {})
  }
  const records = new NodeRecords({ mesh, catalog, logger, record })
  await records.start()
  // The key is made at the end of the first start that came this far: one that failed before, at a port that is taken, does not count.
  const startedBefore = (await folder.readKey()) !== undefined
  if (front === undefined && !mesh.joined && !startedBefore)
    await firstStart(options, deployments, catalog.list('function').length, logger)
  const ownKey = new OwnKey({ ...platform, folder, keys, catalog, peerId: mesh.peerId, account: ACCOUNT_DEFAULT })
  undo.push(() => ownKey.stop())
  // An executor answers before the node says that it is ready; a pure gateway has none to ask.
  if (instances.slots > 0) await instances.probe()
  status.executorAnswered = true
  if (fronts > 1) {
    const firstPort = await gateway.listenAside()
    listening.add(firstPort)
    const parts = { machine: machine.id, name: mesh.name, httpPort: address.port, firstPort, slots, memoryMb }
    const others = new Fronts({
      ...platform,
      orders: furtherFronts(options, parts),
      cores: availableParallelism(),
      invite: () => mesh.invite({ role: 'node', ttlMs: FRONT_INVITE_MS, uses: 1 })
    })
    further = others
    draining.onChange((on) => others.setDraining(on))
    undo.push(() => others.stop())
    await others.start()
  }
  events.start()
  // The command line talks to the machine, which answers as one.
  if (front === undefined) await ownKey.announce({ http, pid: process.pid, peerId: mesh.peerId, region: REGION_DEFAULT })

  async function drain(): Promise<void> {
    events.stop()
    queue.drain()
    invocation.drain()
    status.stopping = true
    // What runs in a node that has left was waited for before, and is others' to run again.
    await finishCalls({ gateway, instances }, mesh.leaving.done ? LEFT_DRAIN_MS : DRAIN_MS, clock)
    await ledger.flush()
  }
  return {
    http,
    peerId: mesh.peerId,
    meshId: mesh.meshId,
    invoker: invocation,
    catalog,
    left: left.promise,
    setDraining: (on) => void draining.set(on),
    giveAway: () => departing.giveAway(),
    keep: () => departing.keep(),
    stop
  }
}

/** Resolves when this node is connected to the first front of its machine and has compared its catalog with the mesh's. @throws UNAVAILABLE after CATCH_UP_MS_MAX */
async function caughtUpWith(first: string, mesh: Mesh, catalog: CatalogService): Promise<void> {
  const until = clock.monotonic() + CATCH_UP_MS_MAX
  while (!mesh.peers().includes(first) || !catalog.caughtUp()) {
    if (clock.monotonic() > until)
      throw new PeerlessError('UNAVAILABLE', `the catalog of the first front did not come within ${CATCH_UP_MS_MAX} ms`)
    await new Promise<void>((resolve) => clock.after(CATCH_UP_LOOK_MS, resolve))
  }
}

async function firstStart(options: NodeOptions, deployments: Deployments, functions: number, logger: Logger): Promise<void> {
  if (options.sample !== true || functions > 0) return
  await deploySample(deployments, ACCOUNT_DEFAULT, join(import.meta.dirname, '..', '..', 'examples', 'hello'))
  logger.info('deployed the sample function hello')
}
