import { join } from 'node:path'
import { PeerlessError } from '@peerless/interface'
import { buildSandbox, executorArguments, type SandboxCode } from '@peerless/sandbox'
import { BundleSupply } from './bundle-supply.ts'
import { CodeCacheStore } from './code-cache-store.ts'
import { CodeCompiler } from './code-compiler.ts'
import { Conduct } from './conduct.ts'
import { InstanceSet, type Trust } from './instance-set.ts'
import { evaluationOrder } from './load-order.ts'
import { findMachine, type Machine } from './machine.ts'
import { StandingsFile } from './standings-file.ts'
import type { Instances, InstancesOptions } from './types.ts'

export type { Instances, InstancesOptions, OnOutcome } from './types.ts'
export type { WarmOrder } from './warm-keeper.ts'

/**
 * Builds the code of executors and starts a spare one.
 * @throws PeerlessError INVALID_ARGUMENT
 */
export async function createInstances(options: InstancesOptions): Promise<Instances> {
  if (!Number.isSafeInteger(options.slots) || options.slots < 0) {
    throw new PeerlessError('INVALID_ARGUMENT', `slots ${options.slots} must be an integer from 0`)
  }
  const code = await buildSandbox()
  const machine = await findMachine(code, options)
  return new InstanceSet(options, code, machine, await trustOf(options), await supplyOf(options, code, machine))
}

async function supplyOf(options: InstancesOptions, code: SandboxCode, machine: Machine): Promise<BundleSupply> {
  const { directory, clock, logger, loadBundle } = options
  // Executors run the Node that this daemon runs, see `nodePath`.
  const tag = JSON.stringify([process.versions, process.arch, code.isolatedVmVersion, executorArguments(''), code.executorScript])
  const caches =
    directory === undefined ? undefined : await CodeCacheStore.open({ directory: join(directory, 'code-cache'), logger, tag })
  const compiler = new CodeCompiler({ code, machine, clock, logger })
  return new BundleSupply({
    load: loadBundle,
    compiler,
    caches,
    orderOf: (version) => evaluationOrder(version, options),
    clock,
    logger
  })
}

async function trustOf({ directory, clock, logger }: InstancesOptions): Promise<Trust> {
  if (directory === undefined) return { conduct: new Conduct(), close: async () => undefined }
  const standings = new StandingsFile(directory, clock, logger)
  const conduct = new Conduct(await standings.read(), (offence) => standings.changed(offence))
  standings.keep(() => conduct.entries())
  return { conduct, close: () => standings.close() }
}
