import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path, PathRequest, TargetId, z } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { answerRoot } from './read-root.ts'
import { readRotation } from './pending-rotation.ts'
import { placeOf } from '../account/place.ts'
import type { Place } from '../account/place.ts'
import { keptVersions, readRoot, rootKey, targetOf, versionKey } from './root-config.ts'
import type { Root, RootConfig, RootVersion } from './root-config.ts'

const fields = {
  access_key: field.text(),
  secret_key: field.text(),
  region: field.text(),
  iam_endpoint: field.text(),
  sts_endpoint: field.text(),
  max_retries: field.integer(),
  username_template: field.text(),
  // Mayfly's own.
  calls_per_second: field.integer()
}
type Fields = z.output<z.ZodObject<typeof fields>>

const callsPerSecondMax = 10_000

// What a broker of the wire says that it has when nobody has said anything: a configuration tool that read it there writes it here. It asks for nothing that names here have not.
const wiresTemplate =
  '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s" (unix_time) (random 20) | truncate 32 }}{{ else }}{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}'
const withoutBlanks = (text: string): string => text.replaceAll(/\s/g, '')

/** `config/root`. A write replaces all of it, as on the wire: what is left out falls back to its default, the secret too. `types`: of the credentials that it issues. */
export function rootPath(engine: Engine, types: readonly string[]): Path {
  return path({
    pattern: 'config/root',
    summary: 'the keys with which the broker works in an account, and where that is',
    fields,
    exists: async (_, storage) => (await readRoot(storage)) !== undefined,
    read: (_, storage) => answerRoot(engine, storage),
    write: (request, storage, signal) => writeRoot(engine, types, request, storage, signal)
  })
}

async function writeRoot(
  engine: Engine,
  types: readonly string[],
  { fields }: PathRequest<Fields>,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  const config = read(fields)
  const keys = readKeys(fields)
  const stored = await readRoot(storage)
  const formerKeys = stored?.config.formerKeys ?? []
  // A configuration tool that writes back what it has in its file.
  if (formerKeys.includes(keys.accessKey)) throw refusal('access_key', 'a rotation has deleted this key: write one that is there')
  const place = placeOf(config, engine.context)
  const written = { place, ...keys, callsPerSecond: config.callsPerSecond, account: null, arn: null }
  const { version, warning } = await identified(engine, written, signal)
  const number = await keepVersion(engine, types, storage, stored, version)
  storage.put(rootKey, { ...config, version: number, formerKeys } satisfies RootConfig, stored?.row ?? 0)
  return warning === undefined ? undefined : { warnings: [warning] }
}

function read(fields: Fields): Omit<RootConfig, 'version' | 'formerKeys'> {
  const callsPerSecond = fields.calls_per_second ?? 0
  if (callsPerSecond < 0 || callsPerSecond > callsPerSecondMax)
    throw refusal('calls_per_second', `a number up to ${callsPerSecondMax}; 0 finds its own`)
  const usernameTemplate = fields.username_template ?? ''
  if (usernameTemplate !== '' && withoutBlanks(usernameTemplate) !== withoutBlanks(wiresTemplate))
    throw refusal('username_template', 'names are made by Mayfly alone: leave it empty')
  return {
    region: fields.region ?? '',
    iamEndpoint: fields.iam_endpoint ?? '',
    stsEndpoint: fields.sts_endpoint ?? '',
    maxRetries: fields.max_retries ?? -1,
    usernameTemplate,
    callsPerSecond
  }
}

/** Whoever may write this with empty keys would have the broker's own identity sign requests. */
function readKeys({ access_key: accessKey = '', secret_key: secretKey = '' }: Fields) {
  if (accessKey === '') throw refusal('access_key', 'is required: keys of the environment and of the machine are never used')
  if (!/^[A-Za-z0-9]{16,128}$/.test(accessKey))
    throw refusal('access_key', 'expected the id of an access key: 16 to 128 letters and digits')
  if (secretKey === '') throw refusal('secret_key', 'is required: keys of the environment and of the machine are never used')
  if (!/^[\x21-\x7e]{16,256}$/.test(secretKey))
    throw refusal('secret_key', 'expected a secret key: 16 to 256 printable characters without blanks')
  return { accessKey, secretKey }
}

/** Nothing is refused because AWS does not answer now: whoever sets up a mount may do so before the network is there. */
async function identified(engine: Engine, version: RootVersion, signal: AbortSignal): Promise<{ version: RootVersion; warning?: string }> {
  using account = engine.accounts.open(version)
  try {
    const { account: number, arn } = await account.identity(signal)
    return { version: { ...version, account: number, arn } }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { version, warning: `the key was not seen to work: ${error.message}` }
  }
}

/** The version for new leases: the one that reaches the same account at the same place, with these keys, else a new one. One whose account is not known yet is never taken for
 *  another: its leases would be looked for where they are not. */
async function keepVersion(
  engine: Engine,
  types: readonly string[],
  storage: MountStorage,
  stored: Root | undefined,
  next: RootVersion
): Promise<string> {
  const versions = await keptVersions(storage)
  const same = versions.find(({ version }) => isSame(version, next))
  const number = same?.number ?? String(await storage.reserve('roots', 1))
  storage.put(
    versionKey(number),
    { ...next, account: next.account ?? same?.version.account ?? null, arn: next.arn ?? same?.version.arn ?? null },
    same?.row ?? 0
  )
  const rotating = (await readRotation(storage))?.pending.version
  for (const old of versions) {
    // A request that was planned a moment ago may still begin a lease at the version that this write supersedes: a later write removes it.
    if (old.number === number || old.number === stored?.config.version || old.number === rotating) continue
    const targets = types.map(type => targetOf(engine, type, old.number))
    if ((await liveLeases(engine, targets)) > 0) continue
    for (const target of targets) storage.retire(target)
    storage.remove(versionKey(old.number), old.row)
  }
  return number
}

async function liveLeases({ context }: Engine, targets: readonly TargetId[]): Promise<number> {
  let live = 0
  for (const target of targets) live += await context.liveLeases(target)
  return live
}

function isSame(kept: RootVersion, next: RootVersion): boolean {
  if (placeKey(kept.place) !== placeKey(next.place)) return false
  return kept.accessKey === next.accessKey || (kept.account !== null && kept.account === next.account)
}

/** A region of the same partition reaches the same account. */
const placeKey = ({ partition, iam }: Place): string => `${partition} ${iam}`

const refusal = (name: string, message: string) => new BrokerError('invalid_request', `${name}: ${message}`)
