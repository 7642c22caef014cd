export { type CatalogOptions, type CatalogService, createCatalog } from './catalog.ts'
export { DIRECT_PEERS_MAX } from './constants.ts'
export { createDeployments, type DeploymentsOptions } from './deployments.ts'
export { createKeys, type Keys } from './keys.ts'
