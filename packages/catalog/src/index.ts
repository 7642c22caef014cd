export { type CatalogOptions, type CatalogService, createCatalog } from './catalog.ts'
export { createDeployments, type DeploymentsOptions } from './deployments.ts'
export { HANDLER_DEFAULT, ROLE_DEFAULT, RUNTIME_DEFAULT, RUNTIMES } from './function-rules.ts'
export { createKeys, type Keys } from './keys.ts'
