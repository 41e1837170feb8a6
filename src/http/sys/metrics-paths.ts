import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { measure } from '../../broker/meter/measure.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import { processGauges } from '../process-gauges.ts'
import { metricsJson, prometheusText } from '../metrics-text.ts'

/** `sys/metrics`: with a token whose policy lets it read there, or, where the configuration says so, for anybody. */
export const metricsPaths: readonly CorePath[] = [
  corePath({ pattern: 'metrics', summary: 'what the broker counts and measures', fields: { format: field.text() }, read: readMetrics })
]

export function openToAnybody(paths: readonly CorePath[]): readonly CorePath[] {
  return paths.map(path => (path.pattern === 'metrics' ? { ...path, open: true } : path))
}

async function readMetrics({ parts, fields }: Call<{ readonly format?: string | undefined }>): Promise<Outcome> {
  if (!['', 'prometheus', undefined].includes(fields.format))
    throw new BrokerError('invalid_request', 'format: expected "prometheus", or none for JSON')
  const { registry } = parts.meter
  const gauged = [...(await measure(parts)), ...processGauges()]
  if (fields.format === 'prometheus') return raw(await prometheusText(registry, gauged), 'text/plain; version=0.0.4; charset=utf-8')
  return raw(`${JSON.stringify(await metricsJson(registry, gauged, parts.clock.now()))}\n`, 'application/json')
}

function raw(text: string, type: string): Outcome {
  return { raw: Buffer.from(text), type }
}
