import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountReader, Path } from 'mayfly/plugin'
import { readStaticCredential, readStaticRole } from './static-role.ts'

/** `static-creds/:name`: the key of now. */
export const staticCredsPath: Path = path({
  pattern: 'static-creds/:name',
  summary: 'the present access key of a static role',
  read: ({ params }, storage) => readCredential(params['name'] ?? '', storage)
})

async function readCredential(name: string, storage: MountReader): Promise<Answer> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) return undefined
  const { accessKey, secretKey } = kept.credential
  if (accessKey === null || secretKey === null)
    throw new BrokerError('target_unreachable', `static role "${name}" has no key yet: it is being made in the background`)
  return { data: { access_key: accessKey, secret_key: secretKey } }
}
