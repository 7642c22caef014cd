export { command, moduleOf, reactor } from '../wasm/handler.guest.ts'
