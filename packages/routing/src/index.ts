export { beaconFromWire, beaconToWire, hintFromWire, hintToWire } from './beacon-codec.ts'
export { BeaconTable, type LoadHint, type PeerLoad } from './beacon-table.ts'
export { BEACON_PERIOD_MS, BEACON_QUIET_PERIOD_MS } from './constants.ts'
export { type Pick, type PickReason, pick, type SelfLoad } from './pick.ts'
