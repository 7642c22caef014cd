export { descriptorChannel, socketChannel } from './channel-socket.ts'
export { decode, encode } from './codec.ts'
export { Connection, type ConnectionOptions } from './connection.ts'
export {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  seal,
  signedBytes,
  verifyEnvelope
} from './envelope.ts'
export { type Frame, PREFIX_BYTES } from './frame.ts'
export { FrameReader } from './frame-reader.ts'
export { FrameWriter } from './frame-writer.ts'
export { Linger, type LingerOptions } from './linger.ts'
export { adoptSocket, type TakeRead } from './one-buffer.ts'
export { peerIdOf, publicKeyOf, type Signer, signerOf, verifySignature } from './signer.ts'
export { StreamIntake } from './stream-intake.ts'
export { workerEnvironment } from './worker-environment.ts'
