import { clearTimeout, setImmediate, setInterval, setTimeout } from './timers.guest.ts'

export { clearTimeout, setImmediate, setInterval, setTimeout }
export const clearInterval = clearTimeout
export const clearImmediate = clearTimeout
