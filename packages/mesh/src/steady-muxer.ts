import type { StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/** What of a yamux muxer is looked at here; its class has it for its own streams. */
interface SendingMuxer {
  send(data: unknown): boolean
}

/**
 * js-libp2p's yamux says that a stream is opened in a microtask of its own, where nobody can catch what it throws when the connection closes in
 * between: a peer that goes away at the wrong moment ended the node (the same kind of defect as libp2p/js-libp2p issues 3415 and 3512). Here a frame for a
 * connection that takes no more is dropped: its streams are told by the connection's own close.
 */
export function steadyMuxer<Components, Muxer extends StreamMuxer>(
  muxer: (components: Components) => StreamMuxerFactory<Muxer>
): (components: Components) => StreamMuxerFactory<Muxer> {
  return (components) => {
    const factory = muxer(components)
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection) => steadied(factory.createStreamMuxer(connection))
    }
  }
}

function steadied<Muxer extends StreamMuxer>(muxer: Muxer): Muxer {
  const sending = muxer as unknown as SendingMuxer
  const { send } = sending
  sending.send = function (this: SendingMuxer, data) {
    try {
      return send.call(this, data)
    } catch (error) {
      if ((error as Error).name !== 'StreamStateError') throw error
      return false
    }
  }
  return muxer
}
