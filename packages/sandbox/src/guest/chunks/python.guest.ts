export { handler } from '../python/handler.guest.ts'
