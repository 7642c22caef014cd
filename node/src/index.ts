export type { NodeOptions } from './options.ts'
export { runNode } from './run-node.ts'
