import { z } from '../contracts/index.ts'
import { damaged } from './damaged.ts'

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)
const count = z.int().min(0)

/** What a backup says of itself, in clear. */
const schema = z.object({
  /** When it was made. */
  time: z.string().max(40),
  instance: z.string().max(64),
  version: z.string().max(64),
  schema: count,
  /** Of the store's heartbeat: of two backups of one store the later has the larger. */
  beat: count,
  /** The end of the trail. */
  node: z.string().max(64),
  seq: count,
  hash: z.string().length(64),
  /** Of the store. */
  bytes: count,
  salt: base64,
  /** Without it nothing opens; it opens nothing without the seal. */
  seal: z.object({ kind: z.string(), config: z.string(), root_key: base64, keyring: base64, instance: z.string() })
})

export type BackupHeader = z.output<typeof schema>

/** Throws `integrity`. */
export function parseHeader(text: string): BackupHeader {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw damaged('its header cannot be read')
  }
}
