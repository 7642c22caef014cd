/** The checked members of a request or of a structure in it, by their names in the model. Reading a member as what the model does not say it is, is a bug. */
export class Members {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined
  }

  /** A member that the model requires. */
  required(name: string): string {
    return this.#values[name] as string
  }

  number(name: string): number | undefined {
    return this.#values[name] as number | undefined
  }

  flag(name: string): boolean | undefined {
    return this.#values[name] as boolean | undefined
  }

  texts(name: string): string[] | undefined {
    return this.#values[name] as string[] | undefined
  }

  map<Value = string>(name: string): Record<string, Value> | undefined {
    return this.#values[name] as Record<string, Value> | undefined
  }

  inner(name: string): Members | undefined {
    const value = this.#values[name]
    return value === undefined ? undefined : new Members(value as Record<string, unknown>)
  }

  /** As JSON came, checked: for what is only kept and given back. */
  plain(name: string): unknown {
    return this.#values[name]
  }

  /** The given members that are there. */
  pick(names: readonly string[]): Record<string, unknown> {
    const picked: Record<string, unknown> = {}
    for (const name of names) if (this.#values[name] !== undefined) picked[name] = this.#values[name]
    return picked
  }
}
