/** `mayfly ssh ls`: what may I reach, and what do I hold. */
import { goDuration } from 'mayfly/plugin'
import type { AskingCall, AskingCommand, CommandScreen } from 'mayfly/plugin'
import { readAccess } from '../access.ts'
import type { Access } from '../access.ts'
import { heldLease } from '../held-lease.ts'
import { HeldRecords } from '../held-records.ts'
import type { HeldRecord } from '../held-records.ts'
import { SshFolder } from '../ssh-folder.ts'

interface Held extends HeldRecord {
  /** As the broker tells; null: not, or not to us. */
  readonly lastSeen: string | null
}

export const sshLsCommand: AskingCommand = {
  name: 'ssh ls',
  summary: 'show as whom you may log in and where, and the certificates that you hold',
  options: { '--mount <path>': 'only of this SSH backend (MAYFLY_SSH_MOUNT)' },
  details: `Certificates are those that were made by commands on this machine and are not over. Roles and hosts are shown as far as you may read
<mount>/access; else the roles are those that your policies name.`,
  examples: ['mayfly ssh ls', 'mayfly ssh ls --format json'],
  async run(call) {
    const access = await readAccess(call)
    const held = await living(call)
    if (call.screen.format === 'json') return call.screen.json(asJson(access, held))
    showAccess(call.screen, access)
    return showHeld(call.screen, held)
  }
}

function asJson(access: readonly Access[], held: readonly Held[]) {
  return {
    roles: access.flatMap(({ roles }) => roles.map(({ mount, role, principals, ttl }) => ({ mount, role, principals, ttl }))),
    hosts: access.flatMap(({ mount, hosts }) => hosts.map(host => ({ mount, ...host }))),
    held: held.map(({ until, lastSeen, ...one }) => ({ ...one, until: new Date(until).toISOString(), last_seen: lastSeen }))
  }
}

/** What the broker has ended is none any more; what it does not tell is shown as remembered. */
async function living(call: AskingCall): Promise<readonly Held[]> {
  const records = new HeldRecords(new SshFolder(call))
  const mine = records.all(Date.now()).filter(({ address }) => address === call.broker.address)
  const looked = await Promise.all(
    mine.map(async record => {
      const found = await heldLease(call, record.lease)
      if (found === 'over') return records.remove(record.lease)
      const seen = found === 'denied' ? undefined : found['last_seen']
      return { ...record, lastSeen: typeof seen === 'string' ? seen : null }
    })
  )
  return looked.filter(one => one !== undefined)
}

function showAccess(screen: CommandScreen, access: readonly Access[]): void {
  const roles = access.flatMap(one => one.roles)
  if (roles.length === 0) screen.say('no role signs for you')
  else
    screen.table(
      ['Role', 'Mount', 'As', 'For'],
      roles.map(({ mount, role, principals, ttl }) => [role, `${mount}/`, principals ? as(principals) : '?', ttl ? goDuration(ttl) : '-'])
    )
  const hosts = access.flatMap(one => one.hosts)
  if (hosts.length === 0) return
  screen.say('')
  screen.table(
    ['Host', 'Names', 'Shows'],
    hosts.map(({ host, names, certified }) => [host, names.join(', '), certified ? 'a certificate' : 'a plain key'])
  )
}

function showHeld(screen: CommandScreen, held: readonly Held[]): void {
  screen.say('')
  if (held.length === 0) return screen.say('you hold no certificate')
  return screen.table(
    ['Serial', 'Role', 'As', 'Until', 'Last login', 'Lease'],
    held.map(({ serial, role, principals, until, lastSeen, lease }) => [
      serial,
      role,
      principals.join(', '),
      new Date(until).toISOString().replace(/\.\d+Z$/, 'Z'),
      lastSeen?.replace(/\.\d+Z$/, 'Z') ?? '-',
      lease
    ])
  )
}

const as = (principals: readonly string[]): string => (principals.includes('*') ? 'anybody' : principals.join(', '))
