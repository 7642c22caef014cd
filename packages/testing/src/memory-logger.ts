import type { LogFields, Logger } from '@peerless/interface'

export interface LoggedLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields: LogFields
}

/** A logger that keeps its lines for assertions. */
export class MemoryLogger implements Logger {
  readonly lines: LoggedLine[]
  readonly #fields: LogFields

  constructor(lines: LoggedLine[] = [], fields: LogFields = {}) {
    this.lines = lines
    this.#fields = fields
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#keep('debug', message, fields)
  }

  info(message: string, fields: LogFields = {}): void {
    this.#keep('info', message, fields)
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#keep('warn', message, fields)
  }

  error(message: string, fields: LogFields = {}): void {
    this.#keep('error', message, fields)
  }

  child(fields: LogFields): Logger {
    return new MemoryLogger(this.lines, { ...this.#fields, ...fields })
  }

  #keep(level: LoggedLine['level'], message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } })
  }
}
