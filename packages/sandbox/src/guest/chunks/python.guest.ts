export { handler, startAhead } from '../python/handler.guest.ts'
