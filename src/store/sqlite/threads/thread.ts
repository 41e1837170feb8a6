import { Worker } from 'node:worker_threads'
import { BrokerError } from '../../../contracts/index.ts'
import { arrivedError } from './carried-error.ts'
import type { CarriedError } from './carried-error.ts'
import { Lane } from './lane.ts'
import type { Answer, Call } from './lane.ts'

/** What a worker says. `ready` comes first, or `failed`; `damaged` says that nothing it wrote last can be trusted. */
export type FromThread<Ready> =
  | { readonly ready: Ready }
  | { readonly failed: CarriedError }
  | { readonly answers: readonly Answer[]; readonly damaged?: CarriedError }

export type ToThread = readonly Call[] | 'close'

export interface Thread<Ready> extends AsyncDisposable {
  readonly lane: Lane
  readonly ready: Ready
}

// In the published package this file is JavaScript, and so are the workers beside it.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

export async function startThread<Ready>(
  name: 'writer' | 'reader',
  workerData: unknown,
  damaged: (error: Error) => void
): Promise<Thread<Ready>> {
  const worker = new Worker(new URL(`./${name}${extension}`, import.meta.url), { workerData, name: `store ${name}` })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
  const say = (word: ToThread) => worker.postMessage(word)
  const lane = new Lane(say, setImmediate)
  const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  const ready = await firstWord<Ready>(worker)
  const failed = (error: Error) => {
    lane.breakOff(error)
    damaged(error)
  }
  worker.on('message', (word: FromThread<Ready>) => {
    if ('answers' in word) lane.answered(word.answers)
    if ('damaged' in word && word.damaged) failed(arrivedError(word.damaged))
  })
  worker.on('error', cause => failed(new BrokerError('store_unreachable', `the store's ${name} has failed`, { cause })))
  return {
    lane,
    ready,
    async [Symbol.asyncDispose]() {
      lane.finish()
      say('close')
      await ended
      lane.breakOff(new BrokerError('store_unreachable', 'the store is closed'))
    }
  }
}

function firstWord<Ready>(worker: Worker): Promise<Ready> {
  return new Promise((resolve, reject) => {
    worker.once('message', (word: FromThread<Ready>) => {
      worker.removeListener('error', reject)
      if ('ready' in word) resolve(word.ready)
      else reject('failed' in word ? arrivedError(word.failed) : new Error('the worker spoke out of turn'))
    })
    worker.once('error', reject)
  })
}
