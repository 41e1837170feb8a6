/** `mayfly ssh logout`: revokes what this user holds on this machine, and ends what was opened with it. */
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { agentFrame } from '../../format/agent-frames.ts'
import { HeldRecords } from '../held-records.ts'
import type { HeldRecord } from '../held-records.ts'
import { removeFiles } from '../remove-files.ts'
import { SshFolder } from '../ssh-folder.ts'

const forgetMsMax = 5_000
const exitMsMax = 10_000
const removeAll = 19

export const sshLogoutCommand: AskingCommand = {
  name: 'ssh logout',
  summary: 'revoke the certificates that you hold, and end shared connections',
  details: `Those that were made by commands on this machine. Hosts with a helper end the sessions too; a connection that ssh shares (ControlMaster) is
told to end from here. Your token stays: the next ssh makes another certificate.`,
  examples: ['mayfly ssh logout'],
  async run(call) {
    const folder = new SshFolder(call)
    const records = new HeldRecords(folder)
    const all = records.all(Date.now())
    // First what is here: it is over even when the broker cannot be reached.
    await forget(folder.agentSocket)
    removeFiles(folder)
    for (const way of waysOf(all)) endShared(call, way)
    const mine = all.filter(({ address }) => address === call.broker.address)
    const failed = await revoke(call, records, mine)
    const others = all.length - mine.length
    if (others > 0) call.screen.note(`${others} of another broker stay: --address names it`)
    if (call.screen.format === 'json') call.screen.json({ revoked: mine.length - failed, failed })
    else call.screen.say(mine.length === 0 ? 'you hold no certificate' : `${mine.length - failed} of ${mine.length} certificates revoked`)
    return failed > 0 ? 2 : 0
  }
}

async function revoke(call: AskingCall, records: HeldRecords, mine: readonly HeldRecord[]): Promise<number> {
  const results = await Promise.all(
    mine.map(async ({ lease, serial }) => {
      try {
        await call.request('POST', 'sys/leases/revoke', { lease_id: lease })
        records.remove(lease)
        return 0
      } catch (error) {
        call.screen.warn(`serial ${serial} is not revoked: ${error instanceof Error ? error.message : 'unknown error'}`)
        return 1
      }
    })
  )
  return results.filter(one => one === 1).length
}

function waysOf(records: readonly HeldRecord[]): readonly (readonly string[])[] {
  const ways = new Map(records.flatMap(record => record.ways.map(way => [JSON.stringify(way), way] as const)))
  return [...ways.values()]
}

/** Where nothing is shared ssh says so, which nobody needs to read. */
function endShared(call: AskingCall, way: readonly string[]): void {
  spawnSync('ssh', ['-O', 'exit', ...way], { stdio: 'ignore', timeout: exitMsMax, env: { ...call.programEnv, MAYFLY_SSH_INSIDE: '1' } })
}

/** The agent forgets its keys, where one serves. */
function forget(path: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(path, () => socket.write(agentFrame(Buffer.of(removeAll))))
    socket.setTimeout(forgetMsMax, () => socket.destroy())
    socket.once('data', () => socket.destroy())
    socket.once('error', () => undefined)
    socket.once('close', () => resolve())
  })
}
