import { packSource } from '@peerless/bundle'
import type { Deployments } from '@peerless/interface'

const SAMPLE = 'hello'

/** Deploys `examples/hello` with a public function URL, so that a new node has something to answer with. */
export async function deploySample(deployments: Deployments, account: string, path: string): Promise<void> {
  const { zip, handler, runtime } = await packSource({ path })
  await deployments.create({ name: SAMPLE, account, zip, settings: { handler, runtime, urlAuth: 'NONE', description: 'sample' } })
}
