export type { NodeOptions } from './options.ts'
export { stderrLogger } from './platform.ts'
export { runNode } from './run-node.ts'
export { type RunningNode, startNode } from './start-node.ts'
