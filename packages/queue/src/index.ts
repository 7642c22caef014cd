import type { Catalog } from '@peerless/interface'
import { resolveFunction } from '@peerless/interface'
import { DiskHost } from './disk-host.ts'
import type { QueueOptions, QueueService } from './options.ts'
import { policyOf } from './policy.ts'
import { Queue } from './queue.ts'

export type { PostOrder, Services } from './deliveries.ts'
export type { Left } from './hand-over.ts'
export type { QueueService } from './options.ts'
export type { ServiceAnswer, ServiceRequest } from './service-request.ts'

/**
 * The mesh's durable queue, as one node has it.
 * @throws CORRUPT when the folder holds no queue
 */
export async function createQueue(
  options: Omit<QueueOptions, 'disk' | 'resolve' | 'policy'> & { directory: string; catalog: Catalog }
): Promise<QueueService> {
  const { directory, catalog, random } = options
  return new Queue({
    ...options,
    disk: await DiskHost.start(directory),
    resolve: (functionName, qualifier) => {
      const record = catalog.get('function', functionName)
      return record === undefined ? undefined : resolveFunction(catalog, record, qualifier, random)
    },
    policy: (functionName, qualifier, account) => policyOf(catalog, functionName, qualifier, account)
  })
}
