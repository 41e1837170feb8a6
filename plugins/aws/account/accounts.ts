import { BrokerError, Secret } from 'mayfly/plugin'
import type { BackendContext, Clock, TargetId } from 'mayfly/plugin'
import { Account } from './account.ts'
import type { Keys } from './account.ts'
import { CallBudget } from './call-budget.ts'
import { numberOf, readVersion } from '../root/root-config.ts'
import type { RootVersion } from '../root/root-config.ts'

// AWS takes more calls of STS than of IAM.
const perSecondMax = { iam: 25, sts: 100 }

type Budgets = { readonly iam: CallBudget; readonly sts: CallBudget }

// By account and not by mount: two mounts of one account share its limits.
const budgets = new WeakMap<Clock, Map<string, Budgets>>()

/** The accounts that a mount reaches, each version of its root by the row as it is now: a new key is used from its commit on, on every node. */
export class Accounts implements Disposable {
  readonly #context: BackendContext
  readonly #open = new Map<string, { readonly row: number; readonly account: Account; readonly version: RootVersion }>()

  constructor(context: BackendContext) {
    this.#context = context
  }

  async at(target: TargetId): Promise<Account> {
    return (await this.ofVersion(numberOf(target))).account
  }

  async ofVersion(number: string): Promise<{ readonly account: Account; readonly version: RootVersion }> {
    const stored = await readVersion(this.#context.storage, number)
    if (!stored) {
      this.#close(number)
      throw new BrokerError('integrity', `no root ${number} is kept at ${this.#context.mount.path}`)
    }
    const open = this.#open.get(number)
    // A slower read may bring an older row than the one in use.
    if (open && open.row >= stored.row) return open
    this.#close(number)
    const opened = { row: stored.row, version: stored.version, account: this.open(stored.version) }
    this.#open.set(number, opened)
    return opened
  }

  /** With keys that are not stored, or not as current. The caller disposes of it. */
  open(version: RootVersion, keys?: Secret<Keys>): Account {
    const { clock, random } = this.#context
    const used = keys ?? new Secret({ accessKeyId: version.accessKey, secretAccessKey: version.secretKey })
    return new Account(version.place, used, { clock, random, budgets: budgetsOf(clock, version) })
  }

  #close(number: string): void {
    this.#open.get(number)?.account[Symbol.dispose]()
    this.#open.delete(number)
  }

  [Symbol.dispose](): void {
    for (const number of this.#open.keys()) this.#close(number)
  }
}

function budgetsOf(clock: Clock, { place, account, accessKey, callsPerSecond }: RootVersion): Budgets {
  const perClock = budgets.getOrInsertComputed(clock, () => new Map<string, Budgets>())
  const key = JSON.stringify([place.iam, place.sts, account ?? accessKey, callsPerSecond])
  return perClock.getOrInsertComputed(key, () => ({
    iam: new CallBudget(clock, perSecondMax.iam, callsPerSecond),
    sts: new CallBudget(clock, perSecondMax.sts, Math.max(callsPerSecond, perSecondMax.sts))
  }))
}
