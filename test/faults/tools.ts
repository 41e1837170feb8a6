import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

export function noMounts(): string | undefined {
  if (process.platform === 'linux' && process.getuid?.() === 0) return undefined
  return 'a small disk is a tmpfs, and only root mounts one'
}

export function noStrace(): string | undefined {
  return spawnSync('strace', ['-V']).status === 0 ? undefined : 'strace is not installed'
}

/** Where Debian puts it, on both processors. */
export const fakeTime = ['x86_64', 'aarch64'].map(cpu => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`).find(existsSync)

export function noFakeTime(): string | undefined {
  return fakeTime === undefined ? 'libfaketime is not installed' : undefined
}
