/** What the line must know of a call. */
export interface Waiting {
  readonly bytes: number
  readonly invocation: { readonly account: string; readonly functionName: string }
}

export interface WaitingBounds {
  readonly callsMax: number
  readonly callsPerFunctionMax: number
  readonly bytesMax: number
}

/** `full`: not taken, and `reason` says which bound; else taken, perhaps in the place of `evicted`. */
export type Queued<Call> = { readonly full: string } | { readonly full: undefined; readonly evicted: Call | undefined }

/** Calls of one function, in order of arrival. */
class FunctionLine<Call> {
  readonly name: string
  /** What was taken from its front leaves a hole: its payload counts no more, so it must be kept no longer. */
  #calls: (Call | undefined)[] = []
  #head = 0

  constructor(name: string) {
    this.name = name
  }

  get length(): number {
    return this.#calls.length - this.#head
  }

  push(call: Call): void {
    this.#calls.push(call)
  }

  unshift(call: Call): void {
    if (this.#head > 0) this.#calls[--this.#head] = call
    else this.#calls.unshift(call)
  }

  shift(): Call | undefined {
    const call = this.#calls[this.#head]
    if (call === undefined) return undefined
    this.#calls[this.#head++] = undefined
    if (this.#head > 256 && this.#head * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head)
      this.#head = 0
    }
    return call
  }

  pop(): Call | undefined {
    return this.length === 0 ? undefined : this.#calls.pop()
  }

  take(expired: (call: Call) => boolean): Call[] {
    const waiting = this.#calls.slice(this.#head) as Call[]
    const taken = waiting.filter(expired)
    if (taken.length > 0) {
      this.#calls = waiting.filter((call) => !taken.includes(call))
      this.#head = 0
    }
    return taken
  }
}

/** Functions of one account that have calls waiting; whose turn it is stands first. */
interface AccountLine<Call> {
  readonly account: string
  readonly functions: Map<string, FunctionLine<Call>>
  readonly turns: FunctionLine<Call>[]
  calls: number
}

/**
 * Calls that found no place. Accounts take turns, and within an account its functions do, so that a quiet one waits for one call of a loud
 * one and not for all of them; within a function it is first come, first served. Bounded in number, bytes and per function; when
 * all of it is full, the newest call of the account that has most makes room for one that has less.
 */
export class WaitingCalls<Call extends Waiting> {
  readonly #bounds: WaitingBounds
  readonly #accounts = new Map<string, AccountLine<Call>>()
  readonly #turns: AccountLine<Call>[] = []
  #calls = 0
  #bytes = 0

  constructor(bounds: WaitingBounds) {
    this.#bounds = bounds
  }

  get length(): number {
    return this.#calls
  }

  /** How many of this function wait. */
  of(account: string, functionName: string): number {
    return this.#accounts.get(account)?.functions.get(functionName)?.length ?? 0
  }

  push(call: Call): Queued<Call> {
    const { callsMax, callsPerFunctionMax, bytesMax } = this.#bounds
    const { account, functionName } = call.invocation
    const ofFunction = this.of(account, functionName)
    if (ofFunction >= callsPerFunctionMax) return { full: `${ofFunction} calls of '${functionName}' wait already` }
    if (this.#bytes + call.bytes > bytesMax) return { full: `the calls that wait hold ${this.#bytes} bytes already` }
    let evicted: Call | undefined
    if (this.#calls >= callsMax) {
      evicted = this.#evictFor(account)
      if (evicted === undefined) return { full: `${this.#calls} calls wait already` }
    }
    this.#line(account, functionName).push(call)
    this.#count(account, call, 1)
    return { full: undefined, evicted }
  }

  /** Puts a call back in front: it was its turn and there was no place after all. */
  unshift(call: Call): void {
    const { account, functionName } = call.invocation
    const line = this.#line(account, functionName)
    line.unshift(call)
    this.#count(account, call, 1)
    const accountLine = this.#accounts.get(account) as AccountLine<Call>
    first(accountLine.turns, line)
    first(this.#turns, accountLine)
  }

  /** The call whose turn it is, of a function that `blocked` does not hold; undefined when there is none. */
  shift(blocked?: ReadonlySet<string>): Call | undefined {
    for (let accounts = this.#turns.length; accounts > 0; accounts--) {
      const account = this.#turns.shift() as AccountLine<Call>
      this.#turns.push(account)
      for (let functions = account.turns.length; functions > 0; functions--) {
        const line = account.turns.shift() as FunctionLine<Call>
        account.turns.push(line)
        if (blocked?.has(line.name) === true) continue
        const call = line.shift() as Call
        this.#count(account.account, call, -1)
        this.#tidy(account, line)
        return call
      }
    }
    return undefined
  }

  /** Takes out all that `expired` says. */
  take(expired: (call: Call) => boolean): Call[] {
    const taken: Call[] = []
    for (const account of [...this.#accounts.values()]) {
      for (const line of [...account.functions.values()]) {
        for (const call of line.take(expired)) {
          taken.push(call)
          this.#count(account.account, call, -1)
        }
        this.#tidy(account, line)
      }
    }
    return taken
  }

  /** The newest call of the longest line of the account with the most calls, if that has more than `account` would then have. */
  #evictFor(account: string): Call | undefined {
    const own = (this.#accounts.get(account)?.calls ?? 0) + 1
    let most: AccountLine<Call> | undefined
    for (const one of this.#accounts.values()) if (most === undefined || one.calls > most.calls) most = one
    if (most === undefined || most.calls <= own) return undefined
    let longest: FunctionLine<Call> | undefined
    for (const line of most.functions.values()) if (longest === undefined || line.length > longest.length) longest = line
    const call = longest?.pop()
    if (call === undefined || longest === undefined) return undefined
    this.#count(most.account, call, -1)
    this.#tidy(most, longest)
    return call
  }

  #line(account: string, functionName: string): FunctionLine<Call> {
    let accountLine = this.#accounts.get(account)
    if (accountLine === undefined) {
      accountLine = { account, functions: new Map(), turns: [], calls: 0 }
      this.#accounts.set(account, accountLine)
      this.#turns.push(accountLine)
    }
    let line = accountLine.functions.get(functionName)
    if (line === undefined) {
      line = new FunctionLine(functionName)
      accountLine.functions.set(functionName, line)
      accountLine.turns.push(line)
    }
    return line
  }

  #count(account: string, call: Call, by: 1 | -1): void {
    this.#calls += by
    this.#bytes += by * call.bytes
    const line = this.#accounts.get(account)
    if (line !== undefined) line.calls += by
  }

  /** Whoever has nothing waiting has no turn. */
  #tidy(account: AccountLine<Call>, line: FunctionLine<Call>): void {
    if (line.length > 0) return
    account.functions.delete(line.name)
    remove(account.turns, line)
    if (account.functions.size > 0) return
    this.#accounts.delete(account.account)
    remove(this.#turns, account)
  }
}

function remove<Item>(items: Item[], item: Item): void {
  const index = items.indexOf(item)
  if (index >= 0) items.splice(index, 1)
}

function first<Item>(items: Item[], item: Item): void {
  remove(items, item)
  items.unshift(item)
}
