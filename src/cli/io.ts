import type { Readable, Writable } from 'node:stream'

/** All that the command line touches of its process. */
export interface Io {
  readonly stdout: Screen
  readonly stderr: Screen
  readonly stdin?: Keyboard
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
}

export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number | undefined }

export type Keyboard = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }
