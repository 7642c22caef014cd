import type { RequestListener } from 'node:http'

export const listener: RequestListener
