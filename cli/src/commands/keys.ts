import type { KeyAnswer } from '@peerless/interface'
import { type Command, Option } from 'commander'
import { type Context, listOf, objectOf, withJson, withNode } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { fields, shortPeer, table } from '../text.ts'
import { accountOf, parsePattern } from '../values.ts'

interface Flags {
  role?: string
  account?: string
  json?: true
}

export function define(command: Command, context: Context): void {
  withNode(command).description(
    'Access keys for the Lambda API, the mesh API and this command. They are valid on every node of the mesh.'
  )
  defineCreate(command.command('create'), context)
  defineRedeem(command.command('redeem'), context)
  defineList(command.command('list'), context)
  defineRevoke(command.command('revoke'), context)
  defineRotate(command.command('rotate'), context)
}

function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--role <role>', 'what the key may do').choices(['admin', 'deployer', 'invoker']))
    .option('--account <name>', 'whose key it is')
}

function defineCreate(command: Command, context: Context): void {
  withFilter(withJson(withNode(command)))
    .description('Make a key. Its secret is shown this once. Without --role it is a deployer.')
    .action(async (flags: Flags) => {
      const json = { role: flags.role ?? 'deployer', ...accountOf(flags) }
      const client = await context.connect(command)
      const key = objectOf<KeyAnswer>(
        await client.json({ method: 'POST', path: ['v1', 'keys'], json }, 'keys create'),
        'keys create'
      )
      await printMade(context, key, flags)
    })
}

function defineRedeem(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Make a key of an invite token of role deployer or invoker, at the node that made the token. No key is needed for it.'
    )
    .argument('<token>', 'what peerless invite printed')
    .action(async (token: string, flags: Flags) => {
      parsePattern(token, 'invite token', /^\S{1,16384}$/, "what 'peerless invite --role deployer' printed, without spaces")
      const client = await context.reach(command)
      const order = { method: 'POST', path: ['v1', 'invites', 'redeem'], json: { token } } as const
      await printMade(context, objectOf<KeyAnswer>(await client.json(order, 'keys redeem'), 'keys redeem'), flags)
    })
}

async function printMade(
  context: Context,
  { accessKeyId, secretAccessKey, role, account }: KeyAnswer,
  flags: Flags
): Promise<void> {
  if (flags.json) {
    await context.printJson({ accessKeyId, secretAccessKey, role, account })
    return
  }
  await context.print(
    fields([
      ['access key id', String(accessKeyId)],
      ['secret access key', String(secretAccessKey)],
      ['role', String(role)],
      ['account', String(account)]
    ])
  )
  await context.note('Keep the secret now: no node shows it again.\n')
}

function defineList(command: Command, context: Context): void {
  withFilter(withJson(withNode(command)))
    .description('List the keys of the mesh, without their secrets.')
    .action(async (flags: Flags) => {
      const { account } = accountOf(flags)
      const client = await context.connect(command)
      const keys = listOf<KeyAnswer>(await client.json({ method: 'GET', path: ['v1', 'keys'] }, 'keys list'), 'keys list')
        .filter((key) => (flags.role ?? key.role) === key.role && (account ?? key.account) === key.account)
        .map(({ accessKeyId, role, account, node }) => ({ accessKeyId, role, account, ...(node == null ? {} : { node }) }))
      if (flags.json) return await context.printJson(keys)
      await context.print(
        table(
          keys,
          [
            { title: 'ACCESS KEY ID', cell: (key) => String(key.accessKeyId) },
            { title: 'ROLE', cell: (key) => String(key.role) },
            { title: 'ACCOUNT', cell: (key) => String(key.account) },
            { title: 'NODE', cell: ({ node }) => (node === undefined ? '' : shortPeer(String(node))) }
          ],
          (line) => context.host.style('bold', line)
        )
      )
    })
}

function defineRevoke(command: Command, context: Context): void {
  withNode(command)
    .description('Revoke a key on every node of the mesh.')
    .argument('<id>', 'access key id')
    .action(async (id: string) => {
      parseId(id)
      const client = await context.connect(command)
      await client.json(
        { method: 'DELETE', path: ['v1', 'keys', id], missing: "'peerless keys list' lists them." },
        `keys revoke ${id}`
      )
      await context.note(`Revoked ${id}.\n`)
    })
}

interface Rotated {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly role: string
  readonly account: string
  readonly replaces: string
}

function defineRotate(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Make a new key of the same role and account for each that is named, show its secret this once, and revoke the old one.'
    )
    .argument('[ids...]', 'access key ids')
    .option('--all', 'all keys of the mesh; those that nodes made for themselves are revoked, and the nodes make new ones')
    .action(async (ids: string[], flags: { all?: true; json?: true }) => {
      for (const id of ids) parseId(id)
      if (ids.length > 0 === (flags.all === true))
        throw new UsageError("name access key ids or give --all, not both; 'peerless keys list' lists them")
      const client = await context.connect(command)
      const path = ['v1', 'keys']
      const known = listOf<KeyAnswer>(await client.json({ method: 'GET', path }, 'keys rotate'), 'keys rotate')
      const chosen = [...new Set(ids)].map((id) => known.find(({ accessKeyId }) => accessKeyId === id) ?? missing(id))
      // What this command signs with goes last: nothing can be asked with it afterwards.
      const own = (key: KeyAnswer) => Number(key.accessKeyId === client.access.accessKeyId)
      const rotated = (flags.all ? known : chosen).toSorted((a, b) => own(a) - own(b))
      let nodes = 0
      for (const { accessKeyId, role, account, node } of rotated) {
        // A node takes no key that somebody else made for it.
        if (node == null) {
          const order = { method: 'POST', path, json: { role, account } } as const
          const made = objectOf<KeyAnswer>(await client.json(order, 'keys rotate'), 'keys rotate')
          await printRotated(context, { ...(made as Rotated), replaces: accessKeyId }, flags)
        } else nodes++
        await client.json({ method: 'DELETE', path: [...path, accessKeyId] }, `keys rotate ${accessKeyId}`)
      }
      const theirs = nodes === 0 ? '' : `; ${nodes} of nodes, which make new ones themselves`
      const keep = nodes === rotated.length ? '' : ' Keep the new secrets now: no node shows them again.'
      await context.note(`Revoked: ${rotated.length}${theirs}.${keep}\n`)
    })
}

async function printRotated(context: Context, made: Rotated, flags: { json?: true }): Promise<void> {
  const { accessKeyId, secretAccessKey, role, account, replaces } = made
  if (flags.json) await context.printJson({ accessKeyId, secretAccessKey, role, account, replaces })
  else {
    await context.print(
      fields([
        ['replaces', replaces],
        ['access key id', String(accessKeyId)],
        ['secret access key', String(secretAccessKey)],
        ['role', String(role)],
        ['account', String(account)]
      ])
    )
  }
}

function missing(id: string): never {
  throw new CliError(`there is no access key '${id}'`, "'peerless keys list' lists them.")
}

function parseId(id: string): void {
  parsePattern(id, 'access key id', /^\w{16,128}$/, "16 to 128 letters, digits or '_'")
}
