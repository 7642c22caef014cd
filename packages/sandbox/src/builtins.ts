export { BUILTINS_ABSENT, BUILTINS_SUPPORTED } from '@peerless/interface'
