/** Metrics on the wire: the text of Prometheus, or Vault's own JSON. */
import { Gauge, Registry } from 'prom-client'
import type { Gauged } from '../broker/meter/measure.ts'
import type { JsonObject } from '../contracts/index.ts'

export async function prometheusText(counted: Registry, gauged: readonly Gauged[]): Promise<string> {
  return `${await counted.metrics()}${await registryOf(gauged).metrics()}`
}

export async function metricsJson(counted: Registry, gauged: readonly Gauged[], now: Temporal.Instant): Promise<JsonObject> {
  const counters: JsonObject[] = []
  const samples: JsonObject[] = []
  for (const { name, type, values } of await counted.getMetricsAsJSON()) {
    if (String(type) === 'counter')
      counters.push(...values.map(({ value, labels }) => ({ Name: name, Count: value, Sum: value, Labels: { ...labels } as JsonObject })))
    else samples.push(sampleOf(name, values))
  }
  return {
    Timestamp: now.toString(),
    Gauges: gauged.flatMap(({ name, values }) => values.map(({ labels, value }) => ({ Name: name, Value: value, Labels: { ...labels } }))),
    Points: [],
    Counters: counters,
    Samples: samples
  }
}

interface Part {
  readonly value: number
  readonly metricName?: string
}

function sampleOf(name: string, parts: readonly Part[]): JsonObject {
  const part = (suffix: string) => parts.find(({ metricName }) => metricName === `${name}_${suffix}`)?.value ?? 0
  return { Name: name, Count: part('count'), Sum: part('sum'), Labels: {} }
}

function registryOf(gauged: readonly Gauged[]): Registry {
  const registry = new Registry()
  // Without a value there is no series: prom-client would make one up, without labels.
  for (const { name, help, values } of gauged.filter(each => each.values.length > 0)) {
    const gauge = new Gauge({ name, help, labelNames: Object.keys(values[0]?.labels ?? {}), registers: [registry] })
    for (const { labels, value } of values) gauge.set(labels, value)
  }
  return registry
}
