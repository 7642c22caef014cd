import { type Logger, messageOf } from '@peerless/interface'

/** What nobody catches: a forgotten promise is worth a line, an exception ends the process, because nobody knows what it left half done. */
export function guardProcess(logger: Logger): void {
  process.on('unhandledRejection', (error) => {
    logger.error('unhandled rejection', { reason: messageOf(error), stack: error instanceof Error ? error.stack : undefined })
  })
  process.on('uncaughtException', (error) => {
    logger.error('uncaught exception; this node ends', { reason: messageOf(error), stack: error.stack })
    process.exit(1)
  })
}
