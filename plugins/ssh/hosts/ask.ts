/** What lets a host's sshd ask about a login. The user that asks there is nobody and cannot sign with the host key, so it is given a word of its own: all it opens is this one question. */
import { timingSafeEqual } from 'node:crypto'
import { BrokerError, field, path } from 'mayfly/plugin'
import type { BackendContext, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { principals } from '../use/principals-path.ts'
import { readHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'

/** Kept nowhere, and another with every enrolment. */
export function askingWord(context: BackendContext, name: string, { at, key }: NonNullable<Host['enrolled']>): string {
  return Buffer.from(context.mac(`host-ask:${context.mount.uuid}:${name}:${at}:${key}`)).toString('hex')
}

/** `hosts/:host/principals`: as whom a certificate may come in on this host now, a line each; none is a refusal. */
export function askPath(engine: Engine): Path {
  return path({
    pattern: 'hosts/:host/principals',
    summary: 'what sshd asks of a host at a login: as whom a certificate may come in now',
    open: true,
    fields: { word: field.text(), user: field.text(), ca: field.text(), serial: field.text() },
    write: async (request, storage) => {
      const host = request.params['host'] ?? ''
      const { word = '', user, ca, serial } = request.fields
      const enrolled = (await readHost(storage, host))?.host.enrolled
      if (!enrolled || !isSame(word, askingWord(engine.context, host, enrolled)))
        throw new BrokerError('invalid_credentials', `word: not that of ${host}`)
      return principals(engine, { ...request, fields: { user, ca, serial, host, format: 'text' } }, storage)
    }
  })
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
