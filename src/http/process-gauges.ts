import process from 'node:process'
import { one } from '../broker/meter/measure.ts'
import type { Gauged } from '../broker/meter/measure.ts'

/** The process, under the names that dashboards of any program know. */
export function processGauges(): readonly Gauged[] {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return [
    one('process_cpu_seconds_total', 'user and system time', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'resident memory', rss),
    one('nodejs_heap_size_used_bytes', 'heap in use', heapUsed),
    one('process_uptime_seconds', 'since the start of the process', process.uptime())
  ]
}
