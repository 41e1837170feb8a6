import { BrokerError } from '../../src/contracts/index.ts'
import type { Store } from '../../src/store/store.ts'

type Fails = (...call: Parameters<Store['commit']>) => boolean

/** A real store, some of whose commits fail as those of a full disk do. */
export function failingStore(store: Store, fails: Fails): Store {
  const commit: Store['commit'] = async (changes, audit) => {
    if (fails(changes, audit)) throw new BrokerError('store_unreachable', 'the store cannot be written')
    return store.commit(changes, audit)
  }
  return new Proxy(store, {
    get(target, key) {
      if (key === 'commit') return commit
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
