/** `work` for each, so many at a time, in order of their beginning. The first that fails ends it; what is under way then is waited for. */
export async function eachOf<T>(items: readonly T[], atOnceMax: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < items.length && !failed)
      try {
        await work(items[next++]!)
      } catch (error) {
        failed = true
        throw error
      }
  }
  const settled = await Promise.allSettled(Array.from({ length: Math.min(atOnceMax, items.length) }, worker))
  for (const one of settled) if (one.status === 'rejected') throw one.reason
}
