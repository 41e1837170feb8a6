import { BrokerError, field, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import { parseKeyLine, writeKeyLine } from '../format/key-line.ts'
import { requireStrongKey } from '../format/key-strength.ts'
import { takeToken } from './enrolment-token.ts'
import { fingerprintOf, messageFields, openMessage } from './host-message.ts'
import type { Engine } from '../engine.ts'
import { readHost, writeHost } from './host-rows.ts'
import { newNonce, requireNonce } from './nonce.ts'
import { planHostCertificate } from './plan-host-certificate.ts'

// What ssh-keygen makes by default; hosts of long ago have 2048.
const rsaBitsMin = 2_048

/** A host proves three things at once: that it was invited (the token), that it holds the private key (the signature), and that it does so now (the nonce). */
export function enrolPaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'hosts/:host/nonce',
      summary: 'what a host has to sign when it enrols',
      open: true,
      counted: true,
      read: async ({ params }) => ({ raw: Buffer.from(`${newNonce(engine.context, params['host'] ?? '')}\n`), type: 'text/plain' })
    }),
    path({
      pattern: 'hosts/:host/enroll',
      summary: 'enrols a host: certifies its key',
      open: true,
      fields: { ...messageFields, token: field.text() },
      write: async (request, storage) => {
        const { params, fields } = request
        const host = params['host'] ?? ''
        // The cheap question first: for who was not invited nobody looks at a signature.
        await takeToken(engine.context, storage, host, fields.token ?? '')
        const { said, key } = openMessage(engine, fields, { what: 'enroll', host })
        requireNonce(engine.context, host, said['nonce'])
        const stored = await readHost(storage, host)
        if (!stored) throw new BrokerError('invalid_request', `no host ${host}`)
        const line = keyLine(said['key'])
        if (fingerprintOf(line) !== key) throw new BrokerError('invalid_request', 'key: not the key that signed')
        const now = engine.context.clock.now().toString()
        const before = stored.host.enrolled
        const enrolled = {
          key: line,
          at: now,
          sequence: said.sequence,
          // What this host told already is not heard again because it enrols again.
          loginsSequence: before && fingerprintOf(before.key) === key ? before.loginsSequence : 0,
          krlVersion: 0,
          krlDate: 0,
          seenAt: now,
          endsSessions: false
        }
        writeHost(storage, host, { ...stored.host, enrolled }, stored.version, stored.host)
        const { names, ttl } = stored.host
        return { issue: await planHostCertificate(engine, request, { host, publicKey: line, names, ttl }, storage) }
      }
    })
  ]
}

function keyLine(sent: unknown): string {
  if (typeof sent !== 'string') throw new BrokerError('invalid_request', 'key: the public host key is required, as one line')
  const { key } = parseKeyLine(sent)
  requireStrongKey(key, { what: 'host key', rsaBitsMin })
  return writeKeyLine(key)
}
