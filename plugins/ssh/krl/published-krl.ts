import type { MountReader } from 'mayfly/plugin'
import { parseKrl } from '../format/parse-krl.ts'
import type { Krl } from '../format/krl.ts'

export const publishedHeadKey = 'krl/head'
export const publishedBodyKey = 'krl/body'

/** Small: asked with every poll of every host. */
export type PublishedHead = { readonly version: number; readonly at: number; readonly bytes: number }
export type PublishedBody = { readonly version: number; readonly krl: string; readonly signature: string }

export interface Published {
  readonly version: number
  readonly krl: Buffer
  readonly signature: Buffer
}

/** The list that is published now, decoded once for all who ask. */
export class PublishedKrl {
  readonly #storage: MountReader
  #last: Published | undefined
  #parsed: { readonly version: number; readonly krl: Krl } | undefined

  constructor(storage: MountReader) {
    this.#storage = storage
  }

  async version(): Promise<number> {
    return (await this.#head())?.version ?? 0
  }

  /** Undefined: none was made yet. */
  async now(): Promise<Published | undefined> {
    const head = await this.#head()
    if (!head) return undefined
    if (this.#last?.version === head.version) return this.#last
    const stored = await this.#storage.get(publishedBodyKey)
    if (!stored) return undefined
    // The two rows are one commit, and a newer one may have come between the two reads: list and signature are of one row.
    const { version, krl, signature } = stored.value as PublishedBody
    this.#last = { version, krl: Buffer.from(krl, 'base64'), signature: Buffer.from(signature) }
    return this.#last
  }

  /** As it is read by a host. */
  async parsed(): Promise<{ readonly version: number; readonly krl: Krl } | undefined> {
    const published = await this.now()
    if (!published) return undefined
    if (this.#parsed?.version !== published.version) this.#parsed = { version: published.version, krl: parseKrl(published.krl) }
    return this.#parsed
  }

  async #head(): Promise<PublishedHead | undefined> {
    return (await this.#storage.get(publishedHeadKey))?.value as PublishedHead | undefined
  }
}
