import { lstatSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import process from 'node:process'
import { AgentSocket } from './agent/agent-socket.ts'
import type { AgentKeys } from './agent/agent-session.ts'
import { replaceFile } from './replace-file.ts'
import type { SshFolder } from './ssh-folder.ts'

const lookEveryMs = 5_000
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Serves on the user's one socket until it is told to end, another takes its place, or nobody came for a while. */
export async function serveResident(
  folder: SshFolder,
  keys: AgentKeys,
  { idleMs, ended }: { idleMs: number; ended: AbortController }
): Promise<void> {
  folder.made()
  // Made beside and renamed: whoever connects finds one that answers.
  const beside = folder.agentBeside
  rmSync(beside, { force: true })
  await using socket = await AgentSocket.listen(beside, keys)
  renameSync(beside, folder.agentSocket)
  sayPid(folder)
  const mine = lstatSync(folder.agentSocket).ino
  const isMine = (): boolean => lstatSync(folder.agentSocket, { throwIfNoEntry: false })?.ino === mine
  const stop = (): void => ended.abort()
  for (const signal of passed) process.on(signal, stop)
  const look = setInterval(() => {
    if (isMine()) mendPid(folder)
    // Who came before another took its place is served to the end: it is in the middle of a login.
    if (socket.clients === 0 && (!isMine() || performance.now() - socket.lastUse > idleMs)) stop()
  }, lookEveryMs)
  if (!ended.signal.aborted) await new Promise(resolve => ended.signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(look)
  for (const signal of passed) process.off(signal, stop)
  if (isMine()) for (const file of [folder.agentSocket, folder.agentPid]) rmSync(file, { force: true })
}

/** Whether one answers there. */
export function answersAt(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Ends the one that serves there, if it does. */
export async function endResident(folder: SshFolder): Promise<boolean> {
  if (!(await answersAt(folder.agentSocket))) return false
  try {
    const pid = readPid(folder)
    return pid !== undefined && process.kill(pid, 'SIGTERM')
  } catch {
    return false
  }
}

function sayPid(folder: SshFolder): void {
  replaceFile(folder.agentPid, `${process.pid}\n`, 0o600)
}

/** Of several that began at once one has the socket, and perhaps another had the last word on its number. */
function mendPid(folder: SshFolder): void {
  try {
    if (readPid(folder) !== process.pid) sayPid(folder)
  } catch {
    // A full disk: who has a socket that answers needs no number.
  }
}

/** Zero, and what is negative, would be signals to many. */
function readPid(folder: SshFolder): number | undefined {
  const text = readText(folder.agentPid).trim()
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
