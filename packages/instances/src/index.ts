import { PeerlessError } from '@peerless/interface'
import { buildSandbox } from '@peerless/sandbox'
import { Conduct } from './conduct.ts'
import { InstanceSet, type Trust } from './instance-set.ts'
import { findMachine } from './machine.ts'
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
  return new InstanceSet(options, code, await findMachine(code, options), await trustOf(options))
}

async function trustOf({ directory, clock, logger }: InstancesOptions): Promise<Trust> {
  if (directory === undefined) return { conduct: new Conduct(), close: async () => undefined }
  const standings = new StandingsFile(directory, clock, logger)
  const conduct = new Conduct(await standings.read(), (offence) => standings.changed(offence))
  standings.keep(() => conduct.entries())
  return { conduct, close: () => standings.close() }
}
