import { Worker } from 'node:worker_threads'
import { BrokerError } from '../../../contracts/index.ts'

const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

/** What `quick_check` finds wrong with the file; nothing when it is whole. */
export function inspect(database: string, signal: AbortSignal): Promise<readonly string[]> {
  signal.throwIfAborted()
  const worker = new Worker(new URL(`./inspector${extension}`, import.meta.url), { workerData: { database }, name: 'store inspector' })
  const stop = () => void worker.terminate()
  signal.addEventListener('abort', stop, { once: true })
  return new Promise<readonly string[]>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new BrokerError('store_unreachable', 'the inspection of the store was ended')))
  }).finally(() => signal.removeEventListener('abort', stop))
}
