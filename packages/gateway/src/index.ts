/** The HTTP front of a node. */
export { createGateway } from './gateway.ts'
export { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
export type { AccessKeys, FetchObject, Gateway, GatewayOptions } from './options.ts'
export { ProcessRegistry } from './process-registry.ts'
