/** A backend that answers a revocation as a test says, right or wrong. Its target is a list in this process. */
import { BrokerError, Secret, path } from '../../src/contracts/index.ts'
import type {
  Backend,
  BackendType,
  CredentialLife,
  IssuingType,
  RevokeCall,
  RevokeOutcome,
  TargetId,
  Task
} from '../../src/contracts/index.ts'

export type Revoke = (call: RevokeCall, signal: AbortSignal) => Promise<readonly RevokeOutcome[]>

const guarantees = { revocable: 'at once', endsSessions: true, diesByItself: false, listable: false, observable: 'no' } as const

/** Mount it as type `odd`; `creds/<recipe>` issues. */
export function oddBackend(revoke: Revoke, more: Partial<CredentialLife & IssuingType> = {}, task?: Task): BackendType {
  let count = 0
  return {
    type: 'odd',
    async open({ mount, clock }): Promise<Backend> {
      return {
        paths: [
          path({
            pattern: 'wait',
            summary: 'waits as long as it may',
            read: (_, __, signal) =>
              new Promise((___, reject) =>
                signal.addEventListener('abort', () => reject(new BrokerError('target_unreachable', 'no answer in time')), { once: true })
              )
          }),
          path({
            pattern: 'task',
            summary: 'makes the task due',
            write: async (_, storage) => {
              storage.schedule('odd', 'one', clock.now(), null)
              return undefined
            }
          }),
          path({
            pattern: 'creds/:recipe',
            summary: 'a credential',
            read: async ({ params }) => {
              const name = `odd-${++count}`
              return {
                issue: {
                  credential: 'odd',
                  target: `${mount.uuid}/1` as TargetId,
                  role: 'odd',
                  roleVersion: 1,
                  recipe: params['recipe'] ?? '',
                  handle: { name },
                  name,
                  visible: {},
                  ttl: 3_600,
                  maxTtl: 7_200,
                  renewable: true,
                  guarantees
                }
              }
            }
          })
        ],
        credentials: {
          odd: { issue: async ({ handle }) => ({ secret: new Secret({ password: 'odd' }), handle }), revoke, ...more }
        },
        ...(task ? { tasks: { odd: task } } : {}),
        [Symbol.asyncDispose]: async () => {}
      }
    }
  }
}
