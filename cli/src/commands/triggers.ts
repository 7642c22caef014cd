import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { parseReference } from '../lambda.ts'
import { fields, printable, shortPeer, table, withoutMark } from '../text.ts'
import { parseInteger, parsePattern, short } from '../values.ts'

interface AddFlags {
  function: string
  timezone?: string
  window?: string
  input?: string
  missed?: string
  start?: string
  end?: string
  paused?: true
  json?: true
}

/** As /v1/triggers answers; alleged. */
interface Trigger {
  name?: string
  type?: string
  expression?: string
  timezone?: string
  function?: string
  qualifier?: string
  paused?: boolean
  windowMinutes?: number
  missed?: string
  input?: unknown
  nextAt?: number
  owner?: string
}

const NAME = /^[0-9a-zA-Z-_.]{1,64}$/
const NAME_RULE = "1 to 64 letters, digits, '-', '_' or '.'"
const WINDOW_MINUTES_MAX = 1_440
const MISSING = "'peerless triggers ls' lists them."

export function define(command: Command, context: Context): void {
  withNode(command).description('What calls functions by itself.')
  const add = withNode(command.command('add')).description('Add a trigger.')
  defineSchedule(add.command('schedule'), context)
  defineList(command.command('ls'), context)
  defineShow(command.command('show'), context)
  defineChange(command.command('pause'), context, 'Fire no more until it is resumed.')
  defineChange(command.command('resume'), context, 'Fire again, from the next time on.')
  defineRemove(command.command('rm'), context)
}

function defineSchedule(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      "Call a function at times: 'rate(5 minutes)', 'cron(0 9 ? * MON-FRI *)' with EventBridge's six fields, '0 9 * * 1-5' with the five of cron, or once 'at(2026-12-24T18:00:00)'."
    )
    .argument('<name>', NAME_RULE)
    .argument('<expression>', 'when')
    .requiredOption('--function <name[:qualifier]>', 'what is called')
    .option('--timezone <zone>', 'IANA name, such as Europe/Vienna (default: UTC)')
    .option('--window <minutes>', `flexible window: each firing is put off by up to so many minutes, 1 to ${WINDOW_MINUTES_MAX}`)
    .option('--input <json>', 'JSON text or @FILE that is sent instead of the scheduled event')
    .option(
      '--missed <policy>',
      'what becomes of firings while no node was awake: skip them, or fire one, the last (default: skip)'
    )
    .option('--start <time>', 'not before this time, ISO 8601')
    .option('--end <time>', 'not at or after this time, ISO 8601')
    .option('--paused', 'add it paused')
    .action(async (name: string, expression: string, flags: AddFlags) => {
      const { name: functionName, qualifier } = parseReference(flags.function)
      if (flags.missed !== undefined && flags.missed !== 'skip' && flags.missed !== 'one')
        throw new UsageError(`--missed '${short(flags.missed)}' must be skip or one`)
      const json = {
        type: 'schedule',
        name: nameOf(name),
        expression,
        function: functionName,
        qualifier,
        timezone: flags.timezone,
        windowMinutes: flags.window === undefined ? undefined : parseInteger(flags.window, '--window', 1, WINDOW_MINUTES_MAX),
        input: flags.input === undefined ? undefined : await readInput(flags.input, context),
        missed: flags.missed,
        startAt: timeOf(flags.start, '--start'),
        endAt: timeOf(flags.end, '--end'),
        paused: flags.paused
      }
      const client = await context.connect(command)
      const answer = await client.json({ method: 'POST', path: ['v1', 'triggers'], json }, `triggers add ${name}`)
      const trigger = objectOf<Trigger>(answer, 'triggers add')
      if (flags.json) await context.printJson(trigger)
      else await context.note(`Added ${name}; next firing ${timeText(trigger.nextAt)}.\n`)
    })
}

function defineList(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('List the triggers of the mesh.')
    .action(async (flags: { json?: true }) => {
      const client = await context.connect(command)
      const triggers = listOf<Trigger>(
        await client.json({ method: 'GET', path: ['v1', 'triggers'] }, 'triggers ls'),
        'triggers ls'
      )
      if (flags.json) return await context.printJson(triggers)
      if (triggers.length === 0) return await context.note("No triggers yet. Add one: 'peerless triggers add schedule --help'.\n")
      await context.print(
        table(
          triggers,
          [
            { title: 'NAME', cell: (row) => printable(String(row.name)) },
            { title: 'TYPE', cell: (row) => printable(String(row.type)) },
            { title: 'WHEN', cell: (row) => printable(String(row.expression)) },
            { title: 'ZONE', cell: (row) => printable(String(row.timezone)) },
            { title: 'FUNCTION', cell: (row) => printable(functionText(row)) },
            { title: 'NEXT', cell: (row) => (row.paused === true ? 'paused' : timeText(row.nextAt)) }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

function defineShow(command: Command, context: Context): void {
  withJson(withNode(command))
    .description('Show one trigger.')
    .argument('<name>', NAME_RULE)
    .action(async (name: string, flags: { json?: true }) => {
      const client = await context.connect(command)
      const answer = await client.json(
        { method: 'GET', path: ['v1', 'triggers', nameOf(name)], missing: MISSING },
        `triggers show ${name}`
      )
      const trigger = objectOf<Trigger>(answer, 'triggers show')
      if (flags.json) return await context.printJson(trigger)
      await context.print(
        fields([
          ['name', printable(String(trigger.name))],
          ['type', printable(String(trigger.type))],
          ['when', printable(String(trigger.expression))],
          ['time zone', printable(String(trigger.timezone))],
          ['window', `${trigger.windowMinutes ?? 0} minutes`],
          ['missed', printable(String(trigger.missed))],
          ['function', printable(functionText(trigger))],
          ['input', printable(trigger.input === undefined ? 'the scheduled event' : JSON.stringify(trigger.input))],
          ['next firing', trigger.paused === true ? 'paused' : timeText(trigger.nextAt)],
          ['fired by', printable(shortPeer(String(trigger.owner)))]
        ])
      )
    })
}

function defineChange(command: Command, context: Context, description: string): void {
  const action = command.name()
  withJson(withNode(command))
    .description(description)
    .argument('<name>', NAME_RULE)
    .action(async (name: string, flags: { json?: true }) => {
      const client = await context.connect(command)
      const path = ['v1', 'triggers', nameOf(name), action]
      const trigger = objectOf<Trigger>(
        await client.json({ method: 'POST', path, missing: MISSING }, `triggers ${action} ${name}`),
        `triggers ${action}`
      )
      if (flags.json) await context.printJson(trigger)
      else
        await context.note(
          action === 'pause' ? `Paused ${name}.\n` : `Resumed ${name}; next firing ${timeText(trigger.nextAt)}.\n`
        )
    })
}

function defineRemove(command: Command, context: Context): void {
  withNode(command)
    .description('Remove a trigger.')
    .argument('<name>', NAME_RULE)
    .action(async (name: string) => {
      const client = await context.connect(command)
      await client.json({ method: 'DELETE', path: ['v1', 'triggers', nameOf(name)], missing: MISSING }, `triggers rm ${name}`)
      await context.note(`Removed ${name}.\n`)
    })
}

function nameOf(alleged: string): string {
  return parsePattern(alleged, 'trigger name', NAME, NAME_RULE)
}

function functionText({ function: name, qualifier }: Trigger): string {
  return qualifier === undefined ? String(name) : `${name}:${qualifier}`
}

function timeText(at: number | undefined): string {
  return Number.isFinite(at) ? new Date(at as number).toISOString() : 'never'
}

/** @throws UsageError */
function timeOf(alleged: string | undefined, flag: string): number | undefined {
  if (alleged === undefined) return undefined
  const at = Date.parse(alleged)
  if (!/^\d{4}-\d{2}-\d{2}/.test(alleged) || Number.isNaN(at))
    throw new UsageError(`${flag} '${short(alleged)}' must be a time such as 2026-12-24T18:00:00Z`)
  return at
}

/** @throws UsageError, CliError */
async function readInput(alleged: string, context: Context): Promise<unknown> {
  let text = alleged
  if (alleged.startsWith('@')) {
    try {
      text = withoutMark(await readFile(resolve(context.host.cwd, alleged.slice(1)))).toString()
    } catch (error) {
      throw new CliError(
        `--input ${short(alleged)} cannot be read: ${(error as Error).message}`,
        'Give the path of a file after the @.'
      )
    }
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--input '${short(alleged)}' must be JSON: ${(error as Error).message}`)
  }
}
